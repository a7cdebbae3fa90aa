"""Submissions: an envelope, bound to the organisation of the topic or token, and validated against the model."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from samenspel.contracts.attribute_rules import check, quoted
from samenspel.contracts.canonical import SUBMISSION_BYTES_MAX
from samenspel.contracts.catalogue import SCHEMA_BASE, SubmissionType
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX, UNPARSED, Envelope, invalid_attribute
from samenspel.contracts.problems import Problem, Rejected, problems_of
from samenspel.contracts.strict_json import canonical, decode, duplicated_key, require_few_values, too_large
from samenspel.contracts.values import Model

DUTCH_TIME: Final = ZoneInfo("Europe/Amsterdam")
_SOURCE: Final = re.compile(r"urn:nld:oin:([0-9]{20})(:[A-Za-z0-9._:-]{1,200})?")
_FRACTION: Final = re.compile(rb"[\[:,]-?[0-9]+[.e]")
"""A number that the parser keeps as a float, in compact JSON; some texts look the same, and cost only time."""
_TAIL: Final = re.compile(r":[A-Za-z0-9._:-]*")


@dataclass(slots=True)
class Submission:
    """A valid submission, ready for a decision. Not frozen: a frozen dataclass costs three times as much to create.

    ``hash`` covers type and data with sorted keys, including the subject, so that a repeat is recognised over Kafka
    and HTTP and in any key order. ``received_at`` is Kafka's LogAppendTime or the time of the HTTP request.
    """

    organisation: str
    source: str
    id: str
    type: SubmissionType
    subject: str
    key: str
    data: Model
    hash: bytes
    received_at: datetime
    record: str
    correlationid: str = ""
    traceparent: str = ""

    @property
    def received_on(self) -> date:
        """Day of receipt in the Netherlands: an occurrence that was submitted lies on this day or before."""
        return self.received_at.astimezone(DUTCH_TIME).date()


def read_submission(
    envelope: Envelope,
    organisation: str,
    types: Mapping[str, SubmissionType],
    received_at: datetime,
    record: str,
) -> Submission:
    """The submission of ``organisation`` in an envelope; ``record`` identifies the Kafka record or ``http``.

    Raises `Rejected` with all problems at once: attributes, source, type and every field of the data.
    """
    if not envelope.is_event:
        raise Rejected(*envelope.problems)
    problems = _attribute_problems(envelope, organisation)
    attributes, kind = envelope.attributes, types.get(envelope.type)
    if kind is None:
        raise Rejected(*problems, *_problems_without_type(envelope, types))
    content = _canonical_data(envelope, problems)
    data = _validated(envelope, kind, problems)
    subject = getattr(data, kind.subject_field)
    if (claimed := attributes.get("subject")) and claimed != subject:
        problems.append(_subject_mismatch(claimed, kind.subject_field))
    if problems:
        raise Rejected(*problems)
    return Submission(
        organisation=organisation,
        source=attributes["source"],
        id=attributes["id"],
        type=kind,
        subject=subject,
        key=getattr(data, kind.key_field),
        data=data,
        hash=sha256(b"%b\n%b" % (kind.name.encode(), content)).digest(),
        received_at=received_at,
        record=record,
        correlationid=attributes.get("correlationid", ""),
        traceparent=attributes.get("traceparent", ""),
    )


def _attribute_problems(envelope: Envelope, organisation: str) -> list[Problem]:
    """Problems of the attributes, including a source that names another organisation."""
    problems = check(envelope)
    if envelope.source and (problem := _source_problem(envelope.source, organisation)):
        problems.append(problem)
    return problems


def _problems_without_type(envelope: Envelope, types: Mapping[str, SubmissionType]) -> list[Problem]:
    """Data without a known type is not examined; a duplicate key is found in any entry point all the same."""
    problems = [_unknown_type(envelope.type, types)] if envelope.type else []
    with suppress(Rejected):
        _canonical_data(envelope, problems)
    return problems


def _canonical_data(envelope: Envelope, problems: list[Problem]) -> bytes:
    """The data in compact form with sorted keys; spaces and escapes make no difference to its size and its hash.

    Adds a duplicate key to ``problems``. Raises `Rejected` for other data that is not examined further, with
    ``problems`` first: validation errors take more memory than the data.
    """
    try:
        if envelope.parsed is UNPARSED:
            parsed, content = _parsed(envelope.data, problems)
        else:
            parsed, content = envelope.parsed, envelope.data
        if len(content) > SUBMISSION_BYTES_MAX:
            size = f"{len(content):,} bytes; the maximum is {SUBMISSION_BYTES_MAX:,}"
            raise Rejected(too_large(f"the data has {size}"))
        require_few_values(content, parsed)
    except Rejected as refusal:
        raise Rejected(*problems, *refusal.problems) from None
    return content


def _parsed(data: bytes, problems: list[Problem]) -> tuple[Any, bytes]:
    """The value of the data, and its canonical form."""
    parsed = decode(data)
    content = canonical(parsed)
    # The canonical form is the shortest encoding of data without fractions. Equal length means that no key was lost.
    # A fraction may become longer, as 1e6 becomes 1000000.0, and would make up for a lost key.
    is_shortest = len(content) == len(data) and not _FRACTION.search(content)
    if not is_shortest and (duplicate := duplicated_key(data, parsed)):
        problems.append(duplicate)
    return parsed, content


def _validated(envelope: Envelope, kind: SubmissionType, problems: Sequence[Problem]) -> Model:
    try:
        return _validate(kind, envelope)
    except ValidationError as error:
        found = problems_of(error, _schema_of(kind))
        raise Rejected(*problems, *found, left_out=error.error_count() - len(found)) from None


def _validate(kind: SubmissionType, envelope: Envelope) -> Model:
    """The data as a model. Problems are in the order of the sender, so that every entry point reports the same."""
    try:
        return kind.model.model_validate_json(envelope.data)
    except ValidationError:
        if envelope.parsed is UNPARSED:
            raise
        return kind.model.model_validate_json(orjson.dumps(envelope.parsed))


def _schema_of(kind: SubmissionType) -> str:
    """Location of the schema, for readers with and without the CLI."""
    path = kind.schema_uri.removeprefix(SCHEMA_BASE)
    return f"GET /v1/schemas{path}, or `samenspel catalogue {kind.name} --schema`"


def _source_problem(source: str, organisation: str) -> Problem | None:
    """The problem of a source that is not ``urn:nld:oin:<organisation>``, with or without the name of a system."""
    if len(source) <= ATTRIBUTE_CHARS_MAX and _is_source_of(source, organisation):
        return None
    match = _SOURCE.fullmatch(source)
    fix = f"Send urn:nld:oin:{organisation}:systeem:<your system>."
    if match is None and re.search(rf"(?<![0-9]){organisation}(?![0-9])", source[:ATTRIBUTE_CHARS_MAX]):
        # A source that is too long is reported by `check`.
        is_long = len(source) > ATTRIBUTE_CHARS_MAX
        return None if is_long else invalid_attribute("source", _misspelt_source(source, organisation), fix)
    return Problem(
        code="source-mismatch",
        field="source",
        detail=f"{quoted(source, 100)} does not name organisation {organisation}, the owner of this topic or token",
        fix=fix,
    )


@lru_cache(maxsize=4_096)
def _is_source_of(source: str, organisation: str) -> bool:
    match = _SOURCE.fullmatch(source)
    return match is not None and match[1] == organisation


def _misspelt_source(source: str, organisation: str) -> str:
    """The part of the source that is wrong; the OIN is right."""
    tail = source.removeprefix(f"urn:nld:oin:{organisation}")
    if tail == source:
        return f"{quoted(source, 100)} names the organisation, but does not start with urn:nld:oin:{organisation}"
    valid = _TAIL.match(tail)
    wrong = tail[valid.end() if valid else 0 :][:1]
    if wrong:
        return f"{wrong!r} is not allowed after the OIN: only : and a name of letters, digits and . _ : -"
    return "the name of the system after the OIN and : has 1 to 200 characters"


def _unknown_type(kind: str, types: Mapping[str, SubmissionType]) -> Problem:
    return Problem(
        code="unknown-type",
        field="type",
        detail=f"this service does not accept type {quoted(kind, 100)}",
        fix=f"Accepted types: {', '.join(sorted(types))}.",
    )


def _subject_mismatch(claimed: str, field: str) -> Problem:
    return Problem(
        code="subject-mismatch",
        field="subject",
        detail=f"{quoted(claimed, 100)} differs from {field} in the data",
        fix=f"Remove the attribute, or send the value of {field}.",
    )
