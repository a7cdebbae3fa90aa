"""Value types of the models: identifiers, money, text, periods and links."""

from datetime import date
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

CENTS_MAX: Final = 10**15
"""Ten thousand billion euro: far above any programme, far below the maximum of a 64-bit integer."""


class Model(BaseModel):
    """Base class of all models on the wire: closed, immutable, and strict (a number in a string is an error)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text may not contain the NUL character")
    if not text.strip():
        raise ValueError("text may not be blank")
    return text


Oin = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{20}$"),
    Field(description="Organisatie-identificatienummer: 20 digits (Logius OIN-Stelsel 2.2.2)"),
]
Id = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
    Field(description="A UUID in lower case, generated once by the creator of the aggregate"),
]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60),
    Field(description="A short name, unique within its parent: lower case, digits, hyphens"),
]
Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Text = Annotated[str, StringConstraints(max_length=4_000), AfterValidator(_printable)]
Link = Annotated[
    str,
    StringConstraints(pattern=r"^https://[^\s\x00-\x1f]+$", max_length=1_000),
    Field(description="An https address"),
]
Cents = Annotated[
    int,
    Field(gt=0, le=CENTS_MAX, description="Euro cents, a whole number above zero"),
]
CentsOrZero = Annotated[int, Field(ge=0, le=CENTS_MAX, description="Euro cents, a whole number")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="Version of the aggregate's state, from 1")]


class Period(Model):
    """Period from ``start`` up to and including ``end``; open without ``end``."""

    start: date
    end: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("the end is before the start")
        return self
