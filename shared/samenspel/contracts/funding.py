"""Funding: programmes with a ceiling, applications, and the decisions on them (Awb title 4.2; Fvw chapter 3)."""

from typing import Annotated, Literal

from pydantic import Field

from samenspel.contracts.values import (
    Cents,
    CentsOrZero,
    Day,
    Id,
    Line,
    Model,
    Moment,
    Oin,
    Period,
    PublishedLine,
    PublishedText,
    Text,
    Version,
)

Instrument = Literal["subsidie", "specifieke-uitkering", "decentralisatie-uitkering", "bijdrage-convenant"]
DistributionMethod = Literal["order-of-receipt", "ranking", "allocation-key"]
"""Distribution of the ceiling; published together with the ceiling and never mixed in one round (Awb 4:26)."""
RefusalGround = Literal[
    "ceiling-exceeded",  # Awb 4:25(2): mandatory, as far as the grant would exceed the ceiling
    "activities-will-not-take-place",  # Awb 4:35(1)(a)
    "obligations-will-not-be-met",  # Awb 4:35(1)(b)
    "no-proper-account",  # Awb 4:35(1)(c)
    "incorrect-information",  # Awb 4:35(2)(a)
    "insolvency",  # Awb 4:35(2)(b)
    "provision-not-met",  # a requirement of the provision is not met
]

InitiativeLink = Literal["registered", "not-registered-yet"]
"""Whether the registry had registered the initiative that an application names, when the event was recorded."""
Rule = Literal["within-ceiling", "limited-to-ceiling", "ceiling-reached", "refused-by-authority"]
"""Rule that determined the amount: the authority's decision, or the limit of the ceiling (Awb 4:25(2))."""


class ProgrammeOpened(Model):
    """A grant authority opens a programme: a ceiling for a period under one provision (Awb 4:22, 4:25(1), 4:26).

    With ``grant_requires_initiative`` every application names an initiative, and a grant waits until the initiative
    is registered.
    """

    programme_id: Id
    name: Line
    ceiling_cents: Cents
    instrument: Instrument
    legal_basis: Line
    period: Period
    distribution_method: DistributionMethod
    grant_requires_initiative: bool | None = None
    source: Text | None = None


class Programme(Model):
    """Public state ``programme.v1``. Subject: ``programme_id``, also the lane key of the programme's applications."""

    programme_id: Id
    authority: Oin
    name: PublishedLine
    ceiling_cents: Cents
    instrument: Instrument
    legal_basis: PublishedLine
    period: Period
    distribution_method: DistributionMethod
    grant_requires_initiative: bool | None = None
    source: PublishedText | None = None
    version: Version


class Beneficiary(Model):
    """The beneficiary of the money: a region or deal, with or without an OIN."""

    name: PublishedLine
    oin: Oin | None = None


class StatedBeneficiary(Beneficiary):
    """The beneficiary as the applicant names it."""

    name: Line


class ApplicationSubmitted(Model):
    """The submitter applies for money from a programme. Time of receipt: the clock of Kafka or HTTP (Awb 4:29).

    The initiative may be registered later: an application does not wait for its initiative.
    """

    programme_id: Id
    application_id: Id
    beneficiary: StatedBeneficiary
    activity: Line
    requested_cents: Cents
    initiative_id: Id | None = None
    remark: Text | None = None


class ApplicationDecided(Model):
    """The authority grants at most the requested amount (Awb 4:31), or refuses with grounds (Awb 4:35)."""

    programme_id: Id
    application_id: Id
    outcome: Literal["grant", "refuse"]
    amount_cents: Cents | None = None
    grounds: tuple[RefusalGround, ...] = Field(default=(), max_length=7)
    explanation: Text | None = None
    decided_on: Day


class Decision(Model):
    """Explanation of a decision: amount available before, rule applied, amount available after.

    Three amounts differ: ``requested_cents`` of the application, ``asked_cents``, which the authority proposed (0 for
    a refusal), and ``granted_cents``, the part of the proposal within the available amount. ``article``: legal basis
    of the rule, the Awb for a subsidy, else the scheme.
    """

    decided_on: Day
    recorded_at: Moment
    rule: Rule
    article: PublishedLine
    asked_cents: Annotated[CentsOrZero, Field(description="Euro cents that the authority proposed; 0 for a refusal")]
    ceiling_cents: Cents
    room_before_cents: CentsOrZero
    granted_cents: CentsOrZero
    room_after_cents: CentsOrZero
    grounds: tuple[RefusalGround, ...] = ()
    explanation: PublishedText | None = None


class Application(Model):
    """Public state ``application.v1``.

    Before the decision: only programme, applicant, time of receipt and status, and for an application that names an
    initiative whether the initiative is registered. The decision publishes the rest, and the link as of the decision.
    """

    application_id: Id
    programme_id: Id
    applicant: Oin
    received_at: Moment
    status: Literal["submitted", "granted", "granted-in-part", "refused"]
    beneficiary: Beneficiary | None = None
    activity: PublishedLine | None = None
    requested_cents: Cents | None = None
    initiative_id: Id | None = None
    initiative_link: InitiativeLink | None = None
    remark: PublishedText | None = None
    decision: Decision | None = None
    version: Version


class ApplicationPlan(Model):
    """Private part of an application until the decision."""

    beneficiary: Beneficiary
    activity: PublishedLine
    requested_cents: Cents
    initiative_id: Id | None = None
    remark: PublishedText | None = None
