"""Bodies of requests."""

from typing import Literal, Self

from pydantic import Field, model_validator
from samenspel.contracts.notifications import TypeFilter
from samenspel.contracts.values import Model


class SubscriptionRequest(Model):
    """What an organisation asks for: events pushed to ``endpoint``, or without one pulled."""

    endpoint: str | None = Field(default=None, description="Where to push: an https address")
    secret: str | None = Field(
        default=None,
        pattern=r"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$",
        description="What signs, 24 to 64 bytes in base64; without one it is made, and shown this once",
    )
    types: tuple[TypeFilter, ...] = Field(default=(), max_length=100, description="Event types; none named: all")
    start: Literal["now", "beginning"] = "now"
    delivery: Literal["push", "pull"] | None = Field(default=None, description="push when there is an endpoint")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.delivery is not None and (self.delivery == "push") != (self.endpoint is not None):
            raise ValueError("push needs an endpoint, pull has none")
        if self.secret is not None and self.endpoint is None:
            raise ValueError("a secret signs what is pushed: there is no endpoint")
        return self


class AcknowledgeRequest(Model):
    cursor: str = Field(description="A Samenspel-Cursor: what lies before it needs no more telling")
