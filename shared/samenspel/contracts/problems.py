"""Problems: what was wrong with a submission, where, and how to mend it; the same code at every door."""

from collections.abc import Iterable
from typing import Any, Final, Literal, get_args

from pydantic import ValidationError

from samenspel.contracts.values import Model

Code = Literal[
    "not-utf-8",
    "not-json",
    "duplicate-key",
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
]
CODES: Final[tuple[str, ...]] = get_args(Code)


FIELD_CHARS_MAX: Final = 200
DETAIL_CHARS_MAX: Final = 500


class Problem(Model):
    """One thing that was wrong.

    ``field`` is a JSON pointer into the data (``/period/end``) or the name of a CloudEvents attribute.
    """

    code: Code
    field: str
    detail: str
    fix: str


def unknown(code: Code, field: str, name: str) -> Problem:
    """What ``field`` of the data names is not there."""
    return Problem(
        code=code,
        field=f"/{field}",
        detail=f"{name} is not known",
        fix="Name one that is known, or make it known first.",
    )


def not_permitted(detail: str) -> Problem:
    """Only another organisation may state this."""
    return Problem(code="not-permitted", field="/", detail=detail, fix="Ask that organisation to submit it.")


class Rejected(Exception):
    """The submission is refused for these problems; nothing of it was kept but the answer."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{problem.field}: {problem.detail}" for problem in problems))


class MissingFact(Exception):
    """A fact of another service has not arrived yet: ``(aggregate, subject)``. Not an error: the submission waits."""

    def __init__(self, aggregate: str, subject: str) -> None:
        self.aggregate, self.subject = aggregate, subject
        super().__init__(f"{aggregate} {subject} has not arrived")


_CODE_OF: Final[dict[str, Code]] = {
    "missing": "missing-field",
    "extra_forbidden": "unknown-field",
    "json_invalid": "not-json",
}
_FIX_OF: Final[dict[str, str]] = {
    "missing": "Add this field.",
    "extra_forbidden": "Leave this field out; `samenspel catalogue TYPE --schema` shows the ones there are.",
    "json_invalid": "Send one JSON object (RFC 8259) in UTF-8.",
}
_FIX = "Give what the schema asks for; `samenspel catalogue TYPE --example` shows a valid one."


def pointer(path: Iterable[Any]) -> str:
    """A JSON pointer (RFC 6901) to this place."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    """All that a model found wrong, each with the offending value cut to 100 characters."""
    return tuple(_problem_of(entry) for entry in error.errors(include_url=False, include_context=False))


def _problem_of(entry: Any) -> Problem:
    kind: str = entry["type"]
    detail: str = entry["msg"]
    if kind not in _CODE_OF and not isinstance(entry["input"], dict | list):
        detail = f"{detail} (given: {repr(str(entry['input'])[:100])[:102]})"
    return Problem(
        code=_CODE_OF.get(kind, "invalid-field"),
        field=pointer(entry["loc"])[:FIELD_CHARS_MAX] or "/",
        detail=detail[:DETAIL_CHARS_MAX],
        fix=_FIX_OF.get(kind, _FIX),
    )
