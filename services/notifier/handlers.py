"""The decider of the notifier: the aggregates that a submission needs, and the resulting changes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from samenspel.contracts.catalogue import (
    EVENT_TYPES,
    ORGANISATION,
    SUBSCRIPTION,
    SUBSCRIPTION_V1,
    AggregateRef,
    submissions_of,
    type_name,
)
from samenspel.contracts.notifications import (
    AnySubscription,
    Subscription,
    SubscriptionCreated,
    SubscriptionTerms,
    SubscriptionV1,
)
from samenspel.contracts.organisations import Organisation
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import NOTIFICATIONS, Domain, LaneId
from samenspel.contracts.values import Model
from samenspel.messaging import AggregateChange, DecisionState
from samenspel.runtime.postgres import Connection

from services.notifier.domain import subscriptions as domain
from services.notifier.domain.subscriptions import SubscriptionLimits
from services.notifier.endpoints.addresses import normalised
from services.notifier.store import endpoints, subscriptions

CREATED: Final = EVENT_TYPES[type_name("subscription-created", 2)]
CANCELLED: Final = EVENT_TYPES[type_name("subscription-cancelled", 2)]
CANCELLED_V1: Final = EVENT_TYPES[type_name("subscription-cancelled")]


@dataclass(frozen=True, slots=True)
class KnownSubscriptions:
    """``DecisionState.extra``: stored endpoints, and per organisation the active subscriptions with endpoint.

    ``ends`` are the ends of the lanes in Kafka, for subscriptions that start now.
    """

    endpoints: Mapping[endpoints.EndpointKey, str]
    active: Mapping[str, Mapping[str, str | None]]
    ends: Mapping[LaneId, int] = field(default_factory=dict)


Ends = Callable[[], Awaitable[Mapping[LaneId, int]]]
"""Asks Kafka for the present ends of the lanes, as `samenspel.messaging.LogEnds` does."""


class NotifierDecider:
    """`messaging.Decider` of the notifier; ``DecisionState.extra`` is `KnownSubscriptions`.

    *Now* is the end of each lane in Kafka during the decision: an event that was published before is not delivered,
    and an event that is published after the answer is.
    """

    domain: Domain = "notifications"
    types = submissions_of("notifications")

    def __init__(
        self,
        operator: str,
        lanes: int,
        ends: Ends,
        limits: SubscriptionLimits = SubscriptionLimits(),  # noqa: B008  # immutable
    ) -> None:
        self._operator = operator
        self._ends = ends
        self._lanes = lanes
        self._limits = limits

    def topic_of(self, submission: Submission) -> str:
        return NOTIFICATIONS

    def own_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [(each.name, submission.subject) for each in (SUBSCRIPTION, SUBSCRIPTION_V1)]

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [(ORGANISATION.name, submission.organisation)]

    async def load(self, connection: Connection, submissions: Sequence[Submission]) -> KnownSubscriptions:
        stored = await endpoints.existing(connection, [(each.organisation, each.subject) for each in submissions])
        creating = {each.organisation for each in submissions if isinstance(each.data, SubscriptionCreated)}
        active = await subscriptions.active(connection, creating)
        starts_now = any(
            isinstance(each.data, SubscriptionCreated) and each.data.start == "now" for each in submissions
        )
        return KnownSubscriptions(stored, active, await self._ends() if starts_now else {})

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        data: Any = submission.data
        present = _present(submission, known)
        if isinstance(data, SubscriptionCreated):
            endpoint = known.extra.endpoints.get((submission.organisation, submission.subject))
            has_endpoint = endpoint is not None
            state, terms = domain.create(data, present, submission.organisation, has_endpoint=has_endpoint)
            self._require_room(submission.organisation, endpoint if data.delivery == "push" else None, known)
            self._require_admitted(submission, known)
            return [AggregateChange(CREATED, submission.subject, submission.key, state, private=terms)]
        cancelled = domain.cancel(data, present, submission.organisation)
        event_type = CANCELLED if isinstance(cancelled, Subscription) else CANCELLED_V1
        return [AggregateChange(event_type, submission.subject, submission.key, cancelled)]

    async def save(self, connection: Connection, known: DecisionState, changes: Sequence[AggregateChange]) -> None:
        for change in changes:
            state = cast(AnySubscription, change.state)
            if state.status == "active":
                await subscriptions.activate(connection, state, _terms_in(change), self._lanes, known.extra.ends)
            else:
                await subscriptions.deactivate(connection, state)

    def private_part_of(
        self, submission: Submission, known: DecisionState
    ) -> tuple[AggregateRef, SubscriptionTerms] | None:
        """The terms of an active subscription whose terms are missing; None otherwise."""
        data: Any = submission.data
        present = known.own_state(Subscription, SUBSCRIPTION, submission.subject)
        if not isinstance(data, SubscriptionCreated) or present is None or present.status != "active":
            return None
        if known.private_part(SubscriptionTerms, SUBSCRIPTION, submission.subject) is not None:
            return None
        return (SUBSCRIPTION.name, submission.subject), domain.terms_of(data)

    async def save_private_part(self, connection: Connection, state: Model, private: Model) -> None:
        restored, terms = cast(Subscription, state), cast(SubscriptionTerms, private)
        ends = await self._ends() if terms.start == "now" else {}
        await subscriptions.activate(connection, restored, terms, self._lanes, ends)

    def _require_room(self, organisation: str, endpoint: str | None, known: DecisionState) -> None:
        """Raises `Rejected` at a limit on active subscriptions, those of this batch included."""
        others = dict(known.extra.active[organisation])
        for change in known.changes:
            state = cast(Subscription, change.state)
            if state.organisation == organisation:
                others.pop(state.subscription_id, None)
                if state.status == "active":
                    others[state.subscription_id] = known.extra.endpoints.get((organisation, state.subscription_id))
        addresses = [each and normalised(each) for each in others.values()]
        self._limits.require_room(addresses, endpoint and normalised(endpoint))

    def _require_admitted(self, submission: Submission, known: DecisionState) -> None:
        if submission.organisation != self._operator:
            known.require_foreign(Organisation, ORGANISATION, submission.organisation)


def _present(submission: Submission, known: DecisionState) -> AnySubscription | None:
    """The subscription in the version in which it was created; None if unknown."""
    present = known.own_state(Subscription, SUBSCRIPTION, submission.subject)
    return present or known.own_state(SubscriptionV1, SUBSCRIPTION_V1, submission.subject)


def _terms_in(change: AggregateChange) -> SubscriptionTerms | None:
    """The terms of a new subscription. None for an event that a recovery read: no event contains the terms."""
    if isinstance(change.state, SubscriptionV1):
        return domain.terms_of(change.state)
    return cast(SubscriptionTerms | None, change.private)
