"""Funding: programmes with a ceiling, applications, and the decisions on them (Awb title 4.2; Fvw chapter 3)."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from samenspel.contracts.values import Cents, CentsOrZero, Id, Line, Model, Oin, Period, Text, Version

Instrument = Literal["subsidie", "specifieke-uitkering", "decentralisatie-uitkering", "bijdrage-convenant"]
DistributionMethod = Literal["order-of-receipt", "ranking", "allocation-key"]
"""How the ceiling is divided; published with it and never mixed in one round (Awb 4:26)."""
RefusalGround = Literal[
    "ceiling-exceeded",  # Awb 4:25(2): mandatory, for as far as the ceiling would be exceeded
    "activities-will-not-take-place",  # Awb 4:35(1)(a)
    "obligations-will-not-be-met",  # Awb 4:35(1)(b)
    "no-proper-account",  # Awb 4:35(1)(c)
    "incorrect-information",  # Awb 4:35(2)(a)
    "insolvency",  # Awb 4:35(2)(b)
    "provision-not-met",  # what the provision itself requires
]

Rule = Literal["within-ceiling", "limited-to-ceiling", "ceiling-reached", "refused-by-authority"]
"""Which rule settled the amount: the authority's own wish, or what the ceiling left of it (Awb 4:25(2))."""


class ProgrammeOpened(Model):
    """A grant authority states a ceiling for a period under one provision (Awb 4:22, 4:25(1), 4:26)."""

    programme_id: Id
    name: Line
    ceiling_cents: Cents
    instrument: Instrument
    legal_basis: Line
    period: Period
    distribution_method: DistributionMethod
    source: Text | None = None


class Programme(Model):
    """Public state ``programme.v1``; the subject is ``programme_id``, the lane key of all that belongs to it."""

    programme_id: Id
    authority: Oin
    name: Line
    ceiling_cents: Cents
    instrument: Instrument
    legal_basis: Line
    period: Period
    distribution_method: DistributionMethod
    source: Text | None = None
    version: Version


class Beneficiary(Model):
    """Who the money is for: a region or deal that need not be an organisation with an OIN."""

    name: Line
    oin: Oin | None = None


class ApplicationSubmitted(Model):
    """The submitter applies for money from a programme; its moment of receipt is the door's (Awb 4:29)."""

    programme_id: Id
    application_id: Id
    beneficiary: Beneficiary
    activity: Line
    requested_cents: Cents
    initiative_id: Id | None = None
    remark: Text | None = None


class ApplicationDecided(Model):
    """The programme's authority grants (at most what was asked, Awb 4:31) or refuses with grounds (Awb 4:35)."""

    programme_id: Id
    application_id: Id
    outcome: Literal["grant", "refuse"]
    amount_cents: Cents | None = None
    grounds: tuple[RefusalGround, ...] = Field(default=(), max_length=7)
    explanation: Text | None = None
    decided_on: date


class Decision(Model):
    """Why it fell as it did: room before, rule applied, room after.

    ``asked_cents`` is what the authority wanted to grant, 0 when it refused; ``granted_cents`` is what the room
    allowed of it. ``article`` is what the rule rests on: the Awb for a subsidy, elsewhere the scheme itself.
    """

    decided_on: date
    recorded_at: AwareDatetime
    rule: Rule
    article: Line
    asked_cents: CentsOrZero
    ceiling_cents: Cents
    room_before_cents: CentsOrZero
    granted_cents: CentsOrZero
    room_after_cents: CentsOrZero
    grounds: tuple[RefusalGround, ...] = ()
    explanation: Text | None = None


class Application(Model):
    """Public state ``application.v1``; while undecided it shows programme, applicant, moment and status only."""

    application_id: Id
    programme_id: Id
    applicant: Oin
    received_at: AwareDatetime
    status: Literal["submitted", "granted", "granted-in-part", "refused"]
    beneficiary: Beneficiary | None = None
    activity: Line | None = None
    requested_cents: Cents | None = None
    initiative_id: Id | None = None
    remark: Text | None = None
    decision: Decision | None = None
    version: Version


class ApplicationPlan(Model):
    """What the parties keep to themselves until the decision."""

    beneficiary: Beneficiary
    activity: Line
    requested_cents: Cents
    initiative_id: Id | None = None
    remark: Text | None = None
