"""The catalogue: every event type with meaning, topic, data model and example.

A *submission* is an organisation's statement about an event on its side. A *canonical event* is published by the
owning service after its decision, with the whole public state of the aggregate. Both are named after the occurrence,
so a submission and a canonical event may have the same type name. Their topics and schemas differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from samenspel.contracts import examples as given
from samenspel.contracts import funding, initiatives, notifications, organisations, receipts
from samenspel.contracts.topics import FUNDING, INITIATIVES, NOTIFICATIONS, ORGANISATIONS, Domain
from samenspel.contracts.values import Model

SCHEMA_BASE: Final = "https://samenspel.example/schemas"


def type_name(stem: str, version: int = 1) -> str:
    """``nl.samenspel.<stem>.v<n>``: reverse domain name, past tense, one version number (NLGov profile 1.1)."""
    return f"nl.samenspel.{stem}.v{version}"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A kind of aggregate, for example ``initiative.v1``: one topic, and one model for the public state.

    ``superseded_by`` names the version of new aggregates of this kind; existing aggregates keep their version.
    """

    name: str
    topic: str
    model: type[Model]
    meaning: str
    superseded_by: str = ""

    @property
    def schema_uri(self) -> str:
        return f"{SCHEMA_BASE}/{self.name}.json"


@dataclass(frozen=True, slots=True)
class EventType:
    """A canonical event type; the data is the public state of ``aggregate`` after the event."""

    name: str
    aggregate: Aggregate
    meaning: str


@dataclass(frozen=True, slots=True)
class SubmissionType:
    """A submission type of a domain.

    ``subject_field`` and ``key_field`` name the data fields with the aggregate's id and the lane key. ``leads_to``
    lists the possible canonical event types. ``has_private_part``: the service does not publish the whole data, or
    not before a decision; neither may an id or hash that is published allow a reader to try values of that part.
    """

    name: str
    domain: Domain
    model: type[Model]
    subject_field: str
    key_field: str
    leads_to: tuple[str, ...]
    example: Mapping[str, object]
    has_private_part: bool = False

    @property
    def meaning(self) -> str:
        """The first paragraph of the model's docstring."""
        return (self.model.__doc__ or "").strip().partition("\n\n")[0]

    @property
    def aggregate(self) -> Aggregate:
        """The kind of aggregate that an accepted submission changes."""
        return EVENT_TYPES[self.leads_to[0]].aggregate

    @property
    def schema_uri(self) -> str:
        return f"{SCHEMA_BASE}/submissions/{self.name.removeprefix('nl.samenspel.')}.json"


ORGANISATION: Final = Aggregate(
    "organisation.v1", ORGANISATIONS, organisations.Organisation, "A participating organisation"
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
    "subscription.v2", NOTIFICATIONS, notifications.Subscription, "An organisation's subscription to events"
)
SUBSCRIPTION_V1: Final = Aggregate(
    "subscription.v1",
    NOTIFICATIONS,
    notifications.SubscriptionV1,
    "A subscription created before version 2, with a public filter",
    superseded_by=SUBSCRIPTION.name,
)
AGGREGATES: Final = {
    aggregate.name: aggregate
    for aggregate in (ORGANISATION, INITIATIVE, ROLLOUT, PROGRAMME, APPLICATION, SUBSCRIPTION, SUBSCRIPTION_V1)
}


def _event_types(aggregate: Aggregate, **meanings: str) -> list[EventType]:
    """Event types of an aggregate; types and aggregate have the same version number."""
    version = int(aggregate.name.rpartition(".v")[2])
    return [
        EventType(type_name(stem.replace("_", "-"), version), aggregate, meaning)
        for stem, meaning in meanings.items()
    ]


EVENT_TYPES: Final = {
    event_type.name: event_type
    for event_type in (
        *_event_types(
            ORGANISATION,
            organisation_admitted="An organisation was admitted",
            organisation_changed="Name, roles or memberships of an organisation changed",
        ),
        *_event_types(
            INITIATIVE,
            initiative_registered="An initiative was registered",
            initiative_changed="The description of an initiative changed",
            initiative_phase_changed="An initiative moved to a later phase",
            initiative_stopped="An initiative ended; the state contains the reason",
        ),
        *_event_types(
            ROLLOUT,
            rollout_started="An organisation adopted an initiative",
            rollout_milestone_planned="A milestone of a rollout was planned, with a date",
            rollout_milestone_rescheduled="A milestone of a rollout was moved to another date",
            rollout_milestone_reached="A milestone of a rollout was reached, with evidence",
            rollout_milestone_missed="A milestone of a rollout was not reached",
            rollout_milestone_cancelled="A milestone of a rollout was cancelled",
        ),
        *_event_types(PROGRAMME, programme_opened="A programme was opened for applications, with a ceiling"),
        *_event_types(
            APPLICATION,
            application_submitted="An application was received; the plan is not public before the decision",
            grant_awarded="An application was granted in full",
            grant_awarded_in_part="An application was granted in part; the state contains the reason",
            application_refused="An application was refused; the state contains the grounds",
        ),
        *_event_types(
            SUBSCRIPTION,
            subscription_created="A subscription of an organisation was created; its filter is not public",
            subscription_cancelled="A subscription of an organisation was cancelled",
        ),
        *_event_types(
            SUBSCRIPTION_V1,
            subscription_created="A subscription of an organisation was created, with a public filter",
            subscription_cancelled="A subscription of an organisation with a public filter was cancelled",
        ),
    )
}


def _submission(
    stem: str,
    domain: Domain,
    model: type[Model],
    subject_field: str,
    key_field: str,
    *leads_to: str,
    has_private_part: bool = False,
) -> SubmissionType:
    name = type_name(stem)
    outcome = tuple(other if "." in other else type_name(other) for other in leads_to) or (name,)
    example = given.EXAMPLES[stem]
    return SubmissionType(name, domain, model, subject_field, key_field, outcome, example, has_private_part)


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
            _submission(stem, "initiatives", model, _INITIATIVE, _INITIATIVE)
            for stem, model in (
                ("initiative-registered", initiatives.InitiativeRegistered),
                ("initiative-changed", initiatives.InitiativeChanged),
                ("initiative-phase-changed", initiatives.InitiativePhaseChanged),
                ("initiative-stopped", initiatives.InitiativeStopped),
            )
        ),
        _submission("rollout-started", "initiatives", initiatives.RolloutStarted, "rollout_id", _INITIATIVE),
        *(
            _submission(f"rollout-milestone-{status}", "initiatives", model, "rollout_id", _INITIATIVE)
            for status, model in _MILESTONES.items()
        ),
        _submission("programme-opened", "funding", funding.ProgrammeOpened, "programme_id", "programme_id"),
        _submission(
            "application-submitted",
            "funding",
            funding.ApplicationSubmitted,
            "application_id",
            "programme_id",
            has_private_part=True,
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
            type_name("subscription-created", 2),
            has_private_part=True,
        ),
        _submission(
            "subscription-cancelled",
            "notifications",
            notifications.SubscriptionCancelled,
            "subscription_id",
            "subscription_id",
            type_name("subscription-cancelled", 2),
            type_name("subscription-cancelled"),
        ),
    )
}

RECEIPT_SCHEMA_URI: Final = f"{SCHEMA_BASE}/receipt.json"
RECEIPT_MODEL: Final = receipts.Receipt


def event_types_named(name: str) -> list[str]:
    """The canonical event types with a full name, or all versions of a short name such as ``grant-awarded``."""
    if "." in name:
        return [name] if name in EVENT_TYPES else []
    return [each for each in EVENT_TYPES if each.split(".")[2] == name]


def submissions_of(domain: Domain) -> Mapping[str, SubmissionType]:
    """The submission types of ``domain``, by name."""
    return {name: submission for name, submission in SUBMISSIONS.items() if submission.domain == domain}


AggregateRef = tuple[str, str]
"""Aggregate name and subject: ``("initiative.v1", "0f8f…")``."""
