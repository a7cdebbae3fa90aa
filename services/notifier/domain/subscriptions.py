"""Rules for subscriptions. No I/O, no clock."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from samenspel.contracts.catalogue import EVENT_TYPES
from samenspel.contracts.notifications import (
    AnySubscription,
    Subscription,
    SubscriptionCancelled,
    SubscriptionCreated,
    SubscriptionTerms,
    SubscriptionV1,
)
from samenspel.contracts.problems import Problem, Rejected, unknown
from samenspel.runtime.limits import ENDPOINT_SUBSCRIPTIONS, SUBSCRIPTIONS


@dataclass(frozen=True, slots=True)
class SubscriptionLimits:
    """Active subscriptions of one organisation: in total, and with the same endpoint."""

    active: int = SUBSCRIPTIONS.default
    same_endpoint: int = ENDPOINT_SUBSCRIPTIONS.default

    def require_room(self, others: Collection[str | None], endpoint: str | None) -> None:
        """Raises `Rejected` (``limit-reached``) if one more subscription exceeds a limit.

        ``others`` are the endpoints of the organisation's active subscriptions; None for pull.
        """
        problems = []
        if len(others) >= self.active:
            problems.append(SUBSCRIPTIONS.problem(self.active))
        if endpoint is not None and sum(each == endpoint for each in others) >= self.same_endpoint:
            problems.append(ENDPOINT_SUBSCRIPTIONS.problem(self.same_endpoint))
        if problems:
            raise Rejected(*problems)


def create(
    stated: SubscriptionCreated, present: AnySubscription | None, organisation: str, *, has_endpoint: bool
) -> tuple[Subscription, SubscriptionTerms]:
    """A new subscription: public state and private part. ``has_endpoint``: whether the endpoint is stored."""
    problems = [_unknown_type(number, name) for number, name in enumerate(stated.types) if name not in EVENT_TYPES]
    if present is not None:
        problems.append(_already_exists(stated.subscription_id))
    if stated.delivery == "push" and not has_endpoint:
        problems.append(_NO_ENDPOINT)
    if problems:
        raise Rejected(*problems)
    state = Subscription(
        subscription_id=stated.subscription_id, organisation=organisation, status="active", version=1
    )
    return state, terms_of(stated)


def terms_of(stated: SubscriptionCreated | SubscriptionV1) -> SubscriptionTerms:
    return SubscriptionTerms(types=tuple(dict.fromkeys(stated.types)), start=stated.start, delivery=stated.delivery)


def cancel(stated: SubscriptionCancelled, present: AnySubscription | None, by: str) -> AnySubscription:
    """The cancelled subscription. Cancellation is final; another filter or address requires a new subscription."""
    if present is None:
        raise Rejected(unknown("unknown-subscription", "subscription_id", stated.subscription_id))
    if present.organisation != by:
        raise Rejected(_not_permitted(present.organisation))
    if present.status == "cancelled":
        raise Rejected(_already_cancelled(stated.subscription_id))
    return present.model_copy(update={"status": "cancelled", "version": present.version + 1})


_NO_ENDPOINT: Final = Problem(
    code="missing-field",
    field="/delivery",
    detail="this push subscription has no endpoint; an event cannot contain an endpoint",
    fix="Create the subscription with POST /v1/subscriptions of the notifier, or choose delivery pull.",
)


def _unknown_type(number: int, name: str) -> Problem:
    return Problem(
        code="unknown-type",
        field=f"/types/{number}",
        detail=f"{name} is not the type of a canonical event",
        fix="The document docs/reference/events.md and `samenspel catalogue` list the types. Send no types for all.",
    )


def _already_exists(subscription_id: str) -> Problem:
    return Problem(
        code="already-exists",
        field="/subscription_id",
        detail=f"subscription {subscription_id} exists already",
        fix="Generate a new id (UUID) for a new subscription.",
    )


def _already_cancelled(subscription_id: str) -> Problem:
    return Problem(
        code="already-decided",
        field="/subscription_id",
        detail=f"subscription {subscription_id} is already cancelled",
        fix="No action is needed. To receive events again, create a new subscription.",
    )


def _not_permitted(owner: str) -> Problem:
    return Problem(
        code="not-permitted",
        field="/subscription_id",
        detail="only the subscriber cancels a subscription",
        fix=f"Ask {owner} to cancel the subscription.",
    )
