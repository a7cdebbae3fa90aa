"""The catalogue: every event type, what it means, who states it, where it travels and what its data looks like.

A *submission* is what an organisation states has happened on its side; a *fact* is what the owning service made of
it, with the whole public state of the aggregate after it. Both are named after what happened, so one type name may
stand for both; they travel on different topics and have each their own schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from samenspel.contracts import examples as given
from samenspel.contracts import funding, initiatives, notifications, organisations, receipts
from samenspel.contracts.topics import FUNDING, INITIATIVES, NOTIFICATIONS, ORGANISATIONS, Domain
from samenspel.contracts.values import Model

SCHEMA_BASE: Final = "https://samenspel.example/schemas"


def type_name(fact: str, version: int = 1) -> str:
    """``nl.samenspel.<fact>.v<n>``: reverse domain name, past tense, one version number (NLGov profile 1.1)."""
    return f"nl.samenspel.{fact}.v{version}"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A kind of thing with a state of its own: ``initiative.v1`` lives on one topic, in one model."""

    name: str
    topic: str
    model: type[Model]
    meaning: str

    @property
    def schema_uri(self) -> str:
        return f"{SCHEMA_BASE}/{self.name}.json"


@dataclass(frozen=True, slots=True)
class EventType:
    """A canonical event type; its data is the state of ``aggregate`` after it."""

    name: str
    aggregate: Aggregate
    meaning: str


@dataclass(frozen=True, slots=True)
class SubmissionType:
    """What an organisation may submit in a domain, the field that names its subject, and what it may lead to."""

    name: str
    domain: Domain
    model: type[Model]
    subject_field: str
    key_field: str
    leads_to: tuple[str, ...]
    example: Mapping[str, object]

    @property
    def meaning(self) -> str:
        return (self.model.__doc__ or "").strip()

    @property
    def schema_uri(self) -> str:
        return f"{SCHEMA_BASE}/submissions/{self.name.removeprefix('nl.samenspel.')}.json"


ORGANISATION: Final = Aggregate(
    "organisation.v1", ORGANISATIONS, organisations.Organisation, "An organisation that takes part"
)
INITIATIVE: Final = Aggregate("initiative.v1", INITIATIVES, initiatives.Initiative, "An urban-innovation initiative")
ROLLOUT: Final = Aggregate(
    "rollout.v1", INITIATIVES, initiatives.Rollout, "The adoption of an initiative by another organisation"
)
PROGRAMME: Final = Aggregate("programme.v1", FUNDING, funding.Programme, "A funding programme and its ceiling")
APPLICATION: Final = Aggregate(
    "application.v1", FUNDING, funding.Application, "An application for funding, and the decision on it"
)
SUBSCRIPTION: Final = Aggregate(
    "subscription.v1", NOTIFICATIONS, notifications.Subscription, "What an organisation wants to be told"
)
AGGREGATES: Final = {
    aggregate.name: aggregate
    for aggregate in (ORGANISATION, INITIATIVE, ROLLOUT, PROGRAMME, APPLICATION, SUBSCRIPTION)
}


def _facts(aggregate: Aggregate, **meanings: str) -> list[EventType]:
    return [EventType(type_name(fact.replace("_", "-")), aggregate, meaning) for fact, meaning in meanings.items()]


EVENT_TYPES: Final = {
    fact.name: fact
    for fact in (
        *_facts(
            ORGANISATION,
            organisation_admitted="An organisation takes part from now on",
            organisation_changed="An organisation's name, roles or memberships have changed",
        ),
        *_facts(
            INITIATIVE,
            initiative_registered="An initiative is known to all",
            initiative_changed="An initiative's description has changed",
            initiative_phase_changed="An initiative has moved to its next phase",
            initiative_stopped="An initiative has ended; the reason is in its state",
        ),
        *_facts(
            ROLLOUT,
            rollout_started="An organisation has adopted an initiative",
            rollout_milestone_planned="A milestone of a rollout has a date",
            rollout_milestone_rescheduled="A milestone of a rollout has another date",
            rollout_milestone_reached="A milestone of a rollout is reached, with evidence",
            rollout_milestone_missed="A milestone of a rollout was not reached",
            rollout_milestone_cancelled="A milestone of a rollout is no longer pursued",
        ),
        *_facts(PROGRAMME, programme_opened="A programme is open for applications, under a ceiling"),
        *_facts(
            APPLICATION,
            application_submitted="An application was received; its plan stays with the parties until decided",
            grant_awarded="An application was granted whole",
            grant_awarded_in_part="An application was granted for a part, and the state says why",
            application_refused="An application was refused, with grounds",
        ),
        *_facts(
            SUBSCRIPTION,
            subscription_created="An organisation is told of these types from now on",
            subscription_cancelled="An organisation is no longer told",
        ),
    )
}


def _submission(
    fact: str,
    domain: Domain,
    model: type[Model],
    subject_field: str,
    key_field: str,
    *leads_to: str,
) -> SubmissionType:
    name = type_name(fact)
    outcome = tuple(type_name(other) for other in leads_to) or (name,)
    return SubmissionType(name, domain, model, subject_field, key_field, outcome, given.EXAMPLES[fact])


_INITIATIVE = "initiative_id"
_MILESTONES: Final[dict[str, type[Model]]] = {
    "planned": initiatives.MilestonePlanned,
    "rescheduled": initiatives.MilestoneRescheduled,
    "reached": initiatives.MilestoneReached,
    "missed": initiatives.MilestoneMissed,
    "cancelled": initiatives.MilestoneCancelled,
}

SUBMISSIONS: Final = {
    submission.name: submission
    for submission in (
        _submission("organisation-admitted", "initiatives", organisations.OrganisationAdmitted, "oin", "oin"),
        _submission("organisation-changed", "initiatives", organisations.OrganisationChanged, "oin", "oin"),
        *(
            _submission(fact, "initiatives", model, _INITIATIVE, _INITIATIVE)
            for fact, model in (
                ("initiative-registered", initiatives.InitiativeRegistered),
                ("initiative-changed", initiatives.InitiativeChanged),
                ("initiative-phase-changed", initiatives.InitiativePhaseChanged),
                ("initiative-stopped", initiatives.InitiativeStopped),
            )
        ),
        _submission("rollout-started", "initiatives", initiatives.RolloutStarted, "rollout_id", _INITIATIVE),
        *(
            _submission(f"rollout-milestone-{what}", "initiatives", model, "rollout_id", _INITIATIVE)
            for what, model in _MILESTONES.items()
        ),
        _submission("programme-opened", "funding", funding.ProgrammeOpened, "programme_id", "programme_id"),
        _submission(
            "application-submitted", "funding", funding.ApplicationSubmitted, "application_id", "programme_id"
        ),
        _submission(
            "application-decided",
            "funding",
            funding.ApplicationDecided,
            "application_id",
            "programme_id",
            "grant-awarded",
            "grant-awarded-in-part",
            "application-refused",
        ),
        _submission(
            "subscription-created",
            "notifications",
            notifications.SubscriptionCreated,
            "subscription_id",
            "subscription_id",
        ),
        _submission(
            "subscription-cancelled",
            "notifications",
            notifications.SubscriptionCancelled,
            "subscription_id",
            "subscription_id",
        ),
    )
}

RECEIPT_SCHEMA_URI: Final = f"{SCHEMA_BASE}/receipt.json"
RECEIPT_MODEL: Final = receipts.Receipt


def submissions_of(domain: Domain) -> Mapping[str, SubmissionType]:
    """What may be submitted in this domain, by type."""
    return {name: submission for name, submission in SUBMISSIONS.items() if submission.domain == domain}


AggregateRef = tuple[str, str]
"""An aggregate's name and its subject: ``("initiative.v1", "0f8f…")``."""
