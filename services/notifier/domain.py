"""What is decided about subscriptions, and what follows from an attempt. Nothing here knows a clock or a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from samenspel.contracts.catalogue import FACTS
from samenspel.contracts.notifications import Subscription, SubscriptionCancelled, SubscriptionCreated
from samenspel.contracts.problems import Problem, Rejected

JITTER: Final = 0.2
"""A wait is lengthened by at most this part of itself, so that what failed together does not come back together."""
GONE: Final = 410
UNAVAILABLE: Final = (429, 502, 503, 504)
"""Answers that speak of the receiver, not of the event."""
RETRY_AFTER_SECONDS_MAX: Final = 3_600.0


def create(
    stated: SubscriptionCreated, present: Subscription | None, organisation: str, *, has_endpoint: bool
) -> Subscription:
    """A new subscription; ``has_endpoint`` says whether its address was given over HTTP."""
    problems = [_unknown_type(number, name) for number, name in enumerate(stated.types) if name not in FACTS]
    if present is not None:
        problems.append(_exists(stated.subscription_id))
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
        raise Rejected(_cancelled(stated.subscription_id))
    return present.model_copy(update={"status": "cancelled", "version": present.version + 1})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt says: of the event, and of the receiver.

    ``retry_after`` is in seconds, and only there when the receiver named it.
    """

    delivered: bool
    error: str | None = None
    unavailable: bool = False
    gone: bool = False
    retry_after: float | None = None


def judge(status: int, retry_after: str | None) -> Verdict:
    """Standard Webhooks: 2xx is success, all else failure, redirects too; 410 means never again."""
    if 200 <= status < 300:
        return Verdict(delivered=True)
    unavailable = status in UNAVAILABLE
    return Verdict(
        delivered=False,
        error=f"HTTP {status}",
        unavailable=unavailable,
        gone=status == GONE,
        retry_after=_seconds(retry_after) if unavailable else None,
    )


def wait(schedule: Sequence[float], times: int, chance: float) -> float:
    """Seconds to wait after having failed ``times`` times in a row; ``chance`` in [0, 1) spreads them.

    The last step of the schedule repeats: nothing is ever dropped.
    """
    return schedule[min(times, len(schedule)) - 1] * (1 + JITTER * chance)


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds (RFC 9110 §10.2.3); a date is not asked of webhooks, and read as nothing."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return min(float(retry_after), RETRY_AFTER_SECONDS_MAX)


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


def _exists(subscription_id: str) -> Problem:
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


def _cancelled(subscription_id: str) -> Problem:
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
