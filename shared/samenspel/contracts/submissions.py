"""Submissions: an envelope, bound to the organisation of the topic or token, and validated against the model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from samenspel.contracts.canonical import SUBMISSION_BYTES_MAX
from samenspel.contracts.catalogue import SCHEMA_BASE, SubmissionType
from samenspel.contracts.cloudevents import Envelope, check
from samenspel.contracts.problems import Problem, Rejected, problems_of
from samenspel.contracts.strict_json import duplicated_key, parse
from samenspel.contracts.values import Model

DUTCH_TIME: Final = ZoneInfo("Europe/Amsterdam")
_SOURCE: Final = re.compile(r"urn:nld:oin:([0-9]{20})(:[A-Za-z0-9._:-]{1,200})?")


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
    problems = _attribute_problems(envelope, organisation)
    if len(envelope.data) > SUBMISSION_BYTES_MAX:
        raise Rejected(*problems, _too_large(len(envelope.data)))
    kind = types.get(envelope.type)
    if kind is None:
        raise Rejected(*problems, *([_unknown_type(envelope.type, types)] if envelope.type else []))
    read = _parse_data(envelope.data, kind, problems)
    if read is None:
        raise Rejected(*problems)
    data, content_hash = read
    subject = getattr(data, kind.subject_field)
    if (claimed := envelope.attributes.get("subject")) and claimed != subject:
        problems.append(_subject_mismatch(claimed, kind.subject_field))
    if problems:
        raise Rejected(*problems)
    return Submission(
        organisation=organisation,
        source=envelope.source,
        id=envelope.id,
        type=kind,
        subject=subject,
        key=getattr(data, kind.key_field),
        data=data,
        hash=content_hash,
        received_at=received_at,
        record=record,
        correlationid=envelope.attributes.get("correlationid", ""),
        traceparent=envelope.attributes.get("traceparent", ""),
    )


def _attribute_problems(envelope: Envelope, organisation: str) -> list[Problem]:
    """Problems of the attributes, including a source that names another organisation."""
    problems = check(envelope)
    if envelope.source and (problem := _source_mismatch(envelope.source, organisation)):
        problems.append(problem)
    return problems


def _parse_data(data: bytes, kind: SubmissionType, problems: list[Problem]) -> tuple[Model, bytes] | None:
    """The data as model, and the content hash; None for invalid data, after adding the problems to ``problems``."""
    try:
        parsed = parse(data)
        model = kind.model.model_validate_json(data)
    except Rejected as refusal:
        problems.extend(refusal.problems)
    except ValidationError as error:
        problems.extend(problems_of(error, _schema_of(kind)))
    else:
        canonical = orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)
        # The canonical form is the shortest encoding of accepted data. Equal length means that no key was lost.
        if len(canonical) != len(data) and (duplicate := duplicated_key(data, parsed)):
            problems.append(duplicate)
        return model, sha256(kind.name.encode() + b"\n" + canonical).digest()
    return None


def _schema_of(kind: SubmissionType) -> str:
    """Location of the schema, for readers with and without the CLI."""
    path = kind.schema_uri.removeprefix(SCHEMA_BASE)
    return f"GET /v1/schemas{path}, or `samenspel catalogue {kind.name} --schema`"


def _source_mismatch(source: str, organisation: str) -> Problem | None:
    match = _SOURCE.fullmatch(source)
    if match and match[1] == organisation:
        return None
    return Problem(
        code="source-mismatch",
        field="source",
        detail=f"{source[:100]!r} does not name organisation {organisation}, the owner of this topic or token",
        fix=f"Send urn:nld:oin:{organisation}:systeem:<your system>.",
    )


def _unknown_type(kind: str, types: Mapping[str, SubmissionType]) -> Problem:
    return Problem(
        code="unknown-type",
        field="type",
        detail=f"this service does not accept type {kind[:100]!r}",
        fix=f"Accepted types: {', '.join(sorted(types))}.",
    )


def _too_large(size: int) -> Problem:
    return Problem(
        code="submission-too-large",
        field="/",
        detail=f"the data has {size:,} bytes; the maximum is {SUBMISSION_BYTES_MAX:,}",
        fix="Shorten the data, and link to large documents.",
    )


def _subject_mismatch(claimed: str, field: str) -> Problem:
    return Problem(
        code="subject-mismatch",
        field="subject",
        detail=f"{claimed[:100]!r} differs from {field} in the data",
        fix=f"Remove the attribute, or send the value of {field}.",
    )
