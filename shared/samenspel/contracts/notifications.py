"""Subscriptions to events. Filter, delivery, address and secret are private: no event contains any of these."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from samenspel.contracts.values import Id, Model, Oin, Version

TypeFilter = Annotated[
    str,
    StringConstraints(pattern=r"^nl\.samenspel\.[a-z0-9-]+\.v[0-9]+$", max_length=120),
    Field(description="An event type of the catalogue"),
]


class SubscriptionCreated(Model):
    """The submitter subscribes to event types (none: all types), from now or from the beginning."""

    subscription_id: Id
    types: tuple[TypeFilter, ...] = Field(default=(), max_length=100)
    start: Literal["now", "beginning"] = "now"
    delivery: Literal["push", "pull"] = "push"


class SubscriptionCancelled(Model):
    """The subscriber cancels the subscription."""

    subscription_id: Id


class Subscription(Model):
    """Public state ``subscription.v2``: id, organisation and status only.

    Subject and lane key: ``subscription_id``.
    """

    subscription_id: Id
    organisation: Oin
    status: Literal["active", "cancelled"]
    version: Version


class SubscriptionTerms(Model):
    """Private part of a subscription: event types (none: all types), start and delivery."""

    types: tuple[TypeFilter, ...] = ()
    start: Literal["now", "beginning"]
    delivery: Literal["push", "pull"]


class SubscriptionV1(Model):
    """Public state ``subscription.v1``, with filter and delivery.

    Subject and lane key: ``subscription_id``. A subscription of this version keeps the version.
    """

    subscription_id: Id
    organisation: Oin
    types: tuple[TypeFilter, ...] = ()
    start: Literal["now", "beginning"]
    delivery: Literal["push", "pull"]
    status: Literal["active", "cancelled"]
    version: Version


AnySubscription = Subscription | SubscriptionV1
"""A subscription in the version in which the subscription was created."""
