"""Value types of the models: identifiers, money, text, days, moments, periods and links.

A type accepts exactly the values that the type's JSON Schema accepts; a test generates values to compare the two.
Published types are wider than submitted types, because an event that an earlier version accepted stays readable.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from samenspel.contracts import text
from samenspel.contracts.integers import INT32_MAX

CENTS_MAX: Final = 10**15
"""Ten thousand billion euro: far above any programme, far below the maximum of a 64-bit integer."""


BEYOND_SCHEMA: Final = "beyond-schema"
"""Error type of a rule that compares fields, which JSON Schema cannot state; the model's description states it."""


class Model(BaseModel):
    """Base class of all models on the wire: closed, immutable, and strict (a number in a string is an error)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _readable(refused: str, blank: str) -> tuple[AfterValidator, Any]:
    """Validator and JSON Schema pattern of text without characters of ``refused`` and not only of ``blank``."""
    refusing, visible = re.compile(f"[{refused}]"), re.compile(f"[^{refused}{blank}]")

    def check(value: str) -> str:
        if found := refusing.search(value):
            raise ValueError(
                f"character U+{ord(found[0]):04X} at position {found.start() + 1} is not allowed in text"
            )
        if not visible.search(value):
            raise ValueError("text may not be blank")
        return value

    pattern = f"^[{blank}]*[^{refused}{blank}][^{refused}]*$"
    return AfterValidator(check), Field(json_schema_extra={"pattern": pattern})


def _written_as(pattern: str, rule: str, read: Callable[[str], date]) -> tuple[BeforeValidator, Any]:
    """Validator and JSON Schema pattern of a text that ``read`` turns into a date or time."""
    form = re.compile(pattern.removesuffix("$"))

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not form.fullmatch(value):
            raise ValueError(rule)
        return read(value)

    return BeforeValidator(check), Field(json_schema_extra={"pattern": pattern})


_DAY: Final = "^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"

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
PublishedLine = Annotated[str, StringConstraints(max_length=200)]
PublishedText = Annotated[str, StringConstraints(max_length=4_000)]
PublishedLink = Annotated[str, StringConstraints(max_length=1_000)]
Line = Annotated[
    PublishedLine,
    *_readable(text.CONTROL + text.REORDERING + text.SEPARATORS, text.SPACES),
    Field(description="One line of text, not blank, without control characters or bidirectional formatting"),
]
Text = Annotated[
    PublishedText,
    *_readable(text.CONTROL_EXCEPT_NEWLINE_AND_TAB + text.REORDERING + text.SEPARATORS, text.SPACES + r"\n\t"),
    Field(description="Text, not blank, without control characters other than line feed and tab"),
]
Link = Annotated[
    str,
    StringConstraints(pattern=r"^https://[!-~]+$", max_length=1_000),
    Field(description="An https address in ASCII: other characters are percent-encoded (RFC 3986 §2.1)"),
]
Day = Annotated[
    date,
    *_written_as(_DAY + "$", "a date is written as YYYY-MM-DD (RFC 3339 §5.6, full-date)", date.fromisoformat),
]
Moment = Annotated[
    AwareDatetime,
    *_written_as(
        _DAY + _TIME,
        "a time is written as YYYY-MM-DDThh:mm:ssZ, or with an offset (RFC 3339 §5.6, date-time)",
        datetime.fromisoformat,
    ),
]
Cents = Annotated[
    int,
    Field(gt=0, le=CENTS_MAX, description="Euro cents, a whole number above zero"),
]
CentsOrZero = Annotated[int, Field(ge=0, le=CENTS_MAX, description="Euro cents, a whole number")]
Version = Annotated[int, Field(ge=1, le=INT32_MAX, description="Version of the aggregate's state, from 1")]


class Period(Model):
    """Period from ``start`` up to and including ``end``; open without ``end``."""

    start: Day
    end: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise PydanticCustomError(BEYOND_SCHEMA, "the end is before the start")
        return self
