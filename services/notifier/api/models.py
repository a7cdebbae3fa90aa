"""Request bodies of the notifier."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from samenspel.contracts.notifications import TypeFilter
from samenspel.contracts.values import BEYOND_SCHEMA, Model

from services.notifier.endpoints.addresses import URL_CHARS_MAX, URL_PATTERN
from services.notifier.endpoints.signing import require_signing_secret

_WORD: Final = "[A-Za-z0-9+/]"
_ONE_MORE, _TWO_MORE = f"{_WORD}{{2}}(==)?", f"{_WORD}{{3}}=?"
SECRET_PATTERN: Final = (
    f"^whsec_(({_WORD}{{4}}){{8,20}}({_ONE_MORE}|{_TWO_MORE})?|({_WORD}{{4}}){{21}}({_ONE_MORE})?)$"
)
"""24 to 64 bytes in base64 (RFC 4648 §4), with or without padding (Standard Webhooks, signature scheme)."""
Secret = Annotated[str, StringConstraints(pattern=SECRET_PATTERN), AfterValidator(require_signing_secret)]


class SubscriptionRequest(Model):
    """Request for a subscription: events are pushed to ``endpoint``; without an endpoint the subscriber pulls."""

    endpoint: Annotated[str, StringConstraints(pattern=URL_PATTERN, max_length=URL_CHARS_MAX)] | None = Field(
        default=None, description="https address for push, in ASCII (RFC 3986)"
    )
    secret: Secret | None = Field(
        default=None,
        description="Signing secret, 24 to 64 bytes in base64. Absent: generated, and returned only in this response",
    )
    types: tuple[TypeFilter, ...] = Field(default=(), max_length=100, description="Event types; empty: all")
    start: Literal["now", "beginning"] = Field(
        default="now", description="now: the end of each lane in Kafka when the subscription is accepted"
    )
    delivery: Literal["push", "pull"] | None = Field(
        default=None, description="Default: push with an endpoint, else pull"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.delivery is not None and (self.delivery == "push") != (self.endpoint is not None):
            raise PydanticCustomError(BEYOND_SCHEMA, "push requires an endpoint; pull allows no endpoint")
        if self.secret is not None and self.endpoint is None:
            raise PydanticCustomError(BEYOND_SCHEMA, "a secret requires an endpoint")
        return self


class RotationRequest(Model):
    """Request for another signing secret. The body may be empty."""

    secret: Secret | None = Field(default=None, description="The new secret. Absent: generated")


class AcknowledgeRequest(Model):
    cursor: str = Field(description="Samenspel-Cursor; events before it are not delivered again")
