"""Request bodies of the notifier."""

from typing import Literal, Self

from pydantic import Field, model_validator
from samenspel.contracts.notifications import TypeFilter
from samenspel.contracts.values import Model


class SubscriptionRequest(Model):
    """Request for a subscription: events are pushed to ``endpoint``; without an endpoint the subscriber pulls."""

    endpoint: str | None = Field(default=None, description="https address for push")
    secret: str | None = Field(
        default=None,
        pattern=r"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$",
        description="Signing secret, 24 to 64 bytes in base64. Absent: generated, and returned only in this response",
    )
    types: tuple[TypeFilter, ...] = Field(default=(), max_length=100, description="Event types; empty: all")
    start: Literal["now", "beginning"] = "now"
    delivery: Literal["push", "pull"] | None = Field(
        default=None, description="Default: push with an endpoint, else pull"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.delivery is not None and (self.delivery == "push") != (self.endpoint is not None):
            raise ValueError("push requires an endpoint; pull allows no endpoint")
        if self.secret is not None and self.endpoint is None:
            raise ValueError("a secret requires an endpoint")
        return self


class AcknowledgeRequest(Model):
    cursor: str = Field(description="Samenspel-Cursor; events before it are not delivered again")
