"""A submission: an envelope that was read, bound to the organisation of its door, and checked against its model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import orjson
from pydantic import ValidationError

from samenspel.contracts.canonical import SUBMISSION_BYTES_MAX
from samenspel.contracts.catalogue import SubmissionType
from samenspel.contracts.cloudevents import Envelope, check
from samenspel.contracts.problems import Problem, Rejected, problems_of
from samenspel.contracts.strict_json import duplicated_key, parse
from samenspel.contracts.values import Model

_SOURCE: Final = re.compile(r"urn:nld:oin:([0-9]{20})(:[A-Za-z0-9._:-]{1,200})?")


@dataclass(slots=True)
class Submission:
    """One organisation's statement, ready to be decided; not frozen, because that would triple what making one costs.

    ``hash`` covers type and data (keys sorted; the subject is part of it), so that the same statement is recognised
    through either door and in any spelling. ``received_at`` is the door's clock: Kafka's LogAppendTime or HTTP's.
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


def read_submission(
    envelope: Envelope,
    organisation: str,
    types: Mapping[str, SubmissionType],
    received_at: datetime,
    record: str,
) -> Submission:
    """The submission in an envelope that came through ``organisation``'s door; ``record`` says where it lies.

    Raises `Rejected` with all problems at once: attributes, source, type and every field of the data.
    """
    problems = _problems_around(envelope, organisation)
    if len(envelope.data) > SUBMISSION_BYTES_MAX:
        raise Rejected(*problems, _too_large(len(envelope.data)))
    kind = types.get(envelope.type)
    if kind is None:
        raise Rejected(*problems, *([_unknown(envelope.type, types)] if envelope.type else []))
    read = _data_of(envelope.data, kind, problems)
    if read is None:
        raise Rejected(*problems)
    data, content_hash = read
    subject = getattr(data, kind.subject_field)
    if (claimed := envelope.attributes.get("subject")) and claimed != subject:
        problems.append(_other_subject(claimed, kind.subject_field))
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


def _problems_around(envelope: Envelope, organisation: str) -> list[Problem]:
    """What is wrong with the attributes, a source that is somebody else's included."""
    problems = check(envelope)
    if envelope.source and (problem := _foreign(envelope.source, organisation)):
        problems.append(problem)
    return problems


def _data_of(data: bytes, kind: SubmissionType, problems: list[Problem]) -> tuple[Model, bytes] | None:
    """The data as its model, and its content hash; None when it is none, with the reasons in ``problems``."""
    try:
        parsed = parse(data)
        model = kind.model.model_validate_json(data)
    except Rejected as refusal:
        problems.extend(refusal.problems)
    except ValidationError as error:
        problems.extend(problems_of(error))
    else:
        canonical = orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)
        # Nothing that we accept is written shorter than so: where nothing is longer, no key was lost.
        if len(canonical) != len(data) and (duplicate := duplicated_key(data, parsed)):
            problems.append(duplicate)
        return model, sha256(kind.name.encode() + b"\n" + canonical).digest()
    return None


def _foreign(source: str, organisation: str) -> Problem | None:
    match = _SOURCE.fullmatch(source)
    if match and match[1] == organisation:
        return None
    return Problem(
        code="source-mismatch",
        field="source",
        detail=f"{source[:100]!r} does not name the organisation of this door, {organisation}",
        fix=f"Send urn:nld:oin:{organisation}:systeem:<your system>.",
    )


def _unknown(kind: str, types: Mapping[str, SubmissionType]) -> Problem:
    return Problem(
        code="unknown-type",
        field="type",
        detail=f"{kind[:100]!r} cannot be submitted here",
        fix="Here one may submit: " + ", ".join(sorted(types)),
    )


def _too_large(size: int) -> Problem:
    return Problem(
        code="submission-too-large",
        field="/",
        detail=f"{size:,} bytes of data; at most {SUBMISSION_BYTES_MAX:,}",
        fix="Shorten it, and link to what is large.",
    )


def _other_subject(claimed: str, field: str) -> Problem:
    return Problem(
        code="subject-mismatch",
        field="subject",
        detail=f"{claimed[:100]!r} is not the data's {field}",
        fix=f"Leave the subject out, or make it equal to {field}.",
    )
