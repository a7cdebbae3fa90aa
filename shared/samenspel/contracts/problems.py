"""Problems of a submission: stable code, field, detail and fix. Kafka, HTTP and CLI share the codes and fields."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, Literal, get_args

from pydantic import ValidationError

from samenspel.contracts.values import Model

Code = Literal[
    "not-utf-8",
    "not-json",
    "duplicate-key",
    "too-many-attributes",
    "missing-attribute",
    "invalid-attribute",
    "unknown-type",
    "missing-field",
    "unknown-field",
    "invalid-field",
    "submission-too-large",
    "state-too-large",
    "source-mismatch",
    "subject-mismatch",
    "not-permitted",
    "unknown-organisation",
    "unknown-initiative",
    "unknown-rollout",
    "unknown-milestone",
    "unknown-programme",
    "unknown-application",
    "unknown-subscription",
    "already-exists",
    "stale-version",
    "wrong-phase",
    "already-decided",
    "subject-removed",
    "same-id-other-content",
    "unreadable-record",
    "decision-failed",
    "limit-reached",
]
CODES: Final[tuple[str, ...]] = get_args(Code)


FIELD_CHARS_MAX: Final = 200
DETAIL_CHARS_MAX: Final = 500
PROBLEMS_MAX: Final = 100
"""Problems in one answer. Collection stops here: problems take more memory than the input that causes them."""


class Problem(Model):
    """One problem of a submission or request.

    ``field`` is a JSON pointer into the data (``/period/end``) or the name of a CloudEvents attribute.
    """

    code: Code
    field: str
    detail: str
    fix: str


_FIX_OF_UNKNOWN: Final[Mapping[str, str]] = {
    "organisation": "GET /v1/organisations of the registry lists the admitted organisations.",
    "initiative": "GET /v1/initiatives of the registry lists the initiatives; register a new one first.",
    "rollout": "Submit rollout-started first, and send the initiative_id of the rollout.",
    "milestone": "Submit rollout-milestone-planned for this milestone first.",
    "programme": "GET /v1/programmes of funding lists the programmes.",
    "application": "GET /v1/programmes/{programmeId}/applications of funding lists the applications.",
    "subscription": "GET /v1/subscriptions of the notifier lists your subscriptions.",
}


def unknown(code: Code, field: str, name: str) -> Problem:
    """The aggregate that ``field`` of the data names does not exist."""
    kind = code.removeprefix("unknown-")
    return Problem(code=code, field=f"/{field}", detail=f"{kind} {name} does not exist", fix=_FIX_OF_UNKNOWN[kind])


def in_the_future(field: str, day: date, received_on: date) -> Problem | None:
    """The problem of an occurrence after the day of receipt; None if the day has come."""
    if day <= received_on:
        return None
    detail = f"{day} is after {received_on}, the day of receipt in Europe/Amsterdam"
    fix = "Submit the event on that day or later, or correct the date."
    return Problem(code="invalid-field", field=f"/{field}", detail=detail, fix=fix)


def not_permitted(detail: str) -> Problem:
    """Only another organisation may submit this; ``detail`` names the organisation."""
    fix = "Ask that organisation to submit the event."
    return Problem(code="not-permitted", field="/", detail=detail, fix=fix)


class Rejected(Exception):
    """The submission is rejected for ``problems``, at most `PROBLEMS_MAX`; only the answer is stored.

    ``left_out`` is the number of further problems.
    """

    def __init__(self, *problems: Problem, left_out: int = 0) -> None:
        self.problems = problems[:PROBLEMS_MAX]
        self.left_out = left_out + len(problems) - len(self.problems)
        super().__init__()

    def __str__(self) -> str:
        return "; ".join(f"{problem.field}: {problem.detail}" for problem in self.problems)


class AggregateNotArrived(Exception):
    """The aggregate ``(aggregate, subject)`` of another service has not arrived yet; the submission is deferred."""

    def __init__(self, aggregate: str, subject: str) -> None:
        self.aggregate, self.subject = aggregate, subject
        super().__init__(f"{aggregate} {subject} has not arrived")


_CODE_OF: Final[dict[str, Code]] = {
    "missing": "missing-field",
    "extra_forbidden": "unknown-field",
    "json_invalid": "not-json",
}
_FIX_OF: Final[dict[str, str]] = {
    "missing": "Add this field. Fields and an example: {schema}.",
    "extra_forbidden": "Remove this field. Allowed fields: {schema}.",
    "json_invalid": "Send one JSON object (RFC 8259) in UTF-8.",
}
_FIX: Final = "Send a value that conforms to the schema. Schema and example: {schema}."
SUBMISSION_SCHEMA: Final = "GET /v1/schemas/submissions/<type>.json, or `samenspel catalogue TYPE --schema`"
"""Location of the schemas of submission types: over HTTP without a token, or with the CLI without a network."""


def pointer(path: Iterable[Any]) -> str:
    """A JSON pointer (RFC 6901) for ``path``."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def problems_of(error: ValidationError, schema: str = SUBMISSION_SCHEMA) -> tuple[Problem, ...]:
    """The first `PROBLEMS_MAX` validation errors of a model, each with the invalid value cut to 100 characters.

    ``schema`` names the location of the schema, for the text of the fix. ``error.error_count()`` is the number of all
    errors.
    """
    entries = error.errors(include_url=False, include_context=False)[:PROBLEMS_MAX]
    return tuple(_problem_of(entry, schema) for entry in entries)


def _problem_of(entry: Any, schema: str) -> Problem:
    kind: str = entry["type"]
    detail: str = entry["msg"]
    if kind not in _CODE_OF and not isinstance(entry["input"], dict | list):
        detail = f"{detail} (given: {repr(str(entry['input'])[:100])[:102]})"
    return Problem(
        code=_CODE_OF.get(kind, "invalid-field"),
        field=pointer(entry["loc"])[:FIELD_CHARS_MAX] or "/",
        detail=detail[:DETAIL_CHARS_MAX],
        fix=_FIX_OF.get(kind, _FIX).format(schema=schema),
    )
