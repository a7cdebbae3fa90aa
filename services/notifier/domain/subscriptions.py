"""What is decided about subscriptions, and what follows from an attempt. Nothing here knows a clock or a database."""

from typing import Final

from samenspel.contracts.catalogue import EVENT_TYPES
from samenspel.contracts.notifications import Subscription, SubscriptionCancelled, SubscriptionCreated
from samenspel.contracts.problems import Problem, Rejected


def create(
    stated: SubscriptionCreated, present: Subscription | None, organisation: str, *, has_endpoint: bool
) -> Subscription:
    """A new subscription; ``has_endpoint`` says whether its address was given over HTTP."""
    problems = [_unknown_type(number, name) for number, name in enumerate(stated.types) if name not in EVENT_TYPES]
    if present is not None:
        problems.append(_already_exists(stated.subscription_id))
    if stated.delivery == "push" and not has_endpoint:
        problems.append(_NO_ENDPOINT)
    if problems:
        raise Rejected(*problems)
    return Subscription(
        subscription_id=stated.subscription_id,
        organisation=organisation,
        types=tuple(dict.fromkeys(stated.types)),
        start=stated.start,
        delivery=stated.delivery,
        status="active",
        version=1,
    )


def cancel(stated: SubscriptionCancelled, present: Subscription | None, by: str) -> Subscription:
    """Cancelling is final: for another filter or address one makes another subscription."""
    if present is None:
        raise Rejected(_unknown(stated.subscription_id))
    if present.organisation != by:
        raise Rejected(_not_permitted(present.organisation))
    if present.status == "cancelled":
        raise Rejected(_already_cancelled(stated.subscription_id))
    return present.model_copy(update={"status": "cancelled", "version": present.version + 1})


_NO_ENDPOINT: Final = Problem(
    code="missing-field",
    field="/delivery",
    detail="no address is known for this push subscription; an address never travels in an event",
    fix="Make it with POST /v1/subscriptions of the notifier, or choose delivery pull.",
)


def _unknown_type(number: int, name: str) -> Problem:
    return Problem(
        code="unknown-type",
        field=f"/types/{number}",
        detail=f"no canonical event has type {name}",
        fix="`samenspel catalogue` shows the types there are; name none to be told of all.",
    )


def _already_exists(subscription_id: str) -> Problem:
    return Problem(
        code="already-exists",
        field="/subscription_id",
        detail=f"there is a subscription {subscription_id} already",
        fix="Give a new one an id of its own.",
    )


def _unknown(subscription_id: str) -> Problem:
    return Problem(
        code="unknown-subscription",
        field="/subscription_id",
        detail=f"{subscription_id} is not known",
        fix="GET /v1/subscriptions shows yours.",
    )


def _already_cancelled(subscription_id: str) -> Problem:
    return Problem(
        code="already-decided",
        field="/subscription_id",
        detail=f"subscription {subscription_id} is cancelled already",
        fix="Nothing needs to be done; to be told again, make a new one.",
    )


def _not_permitted(owner: str) -> Problem:
    return Problem(
        code="not-permitted",
        field="/subscription_id",
        detail="only the subscriber cancels a subscription",
        fix=f"Ask {owner} to cancel it.",
    )
