"""A submission: an envelope that was read, bound to the organisation of its door, and checked against its model."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import orjson
from pydantic import ValidationError

from samenspel.contracts.canonical import SUBMISSION_BYTES_MAX
from samenspel.contracts.catalogue import SubmissionType
from samenspel.contracts.cloudevents import Envelope, check
from samenspel.contracts.problems import Problem, Rejected, problems_of
from samenspel.contracts.values import Model

_SOURCE: Final = re.compile(r"urn:nld:oin:([0-9]{20})(:[A-Za-z0-9._:-]{1,200})?")
_QUOTE_THEN_SPACE: Final = re.compile(rb'"[ \t\r\n]')


@dataclass(frozen=True, slots=True)
class Submission:
    """One organisation's statement, ready to be decided.

    ``hash`` covers type, subject and data (keys sorted), so that the same statement is recognised through either
    door and in any spelling. ``received_at`` is the door's clock: Kafka's LogAppendTime or HTTP's.
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
    problems = check(envelope)
    if len(envelope.data) > SUBMISSION_BYTES_MAX:
        raise Rejected(*problems, _too_large(len(envelope.data)))
    if envelope.source and (problem := _foreign(envelope.source, organisation)):
        problems.append(problem)
    kind = types.get(envelope.type)
    if kind is None:
        raise Rejected(*problems, *([_unknown(envelope.type, types)] if envelope.type else []))
    data = _data_of(envelope.data, kind, problems)
    if data is None:
        raise Rejected(*problems)
    subject = getattr(data, kind.subject_field)
    if (claimed := envelope.attributes.get("subject")) and claimed != subject:
        problems.append(_other_subject(claimed, kind.subject_field))
    if problems:
        raise Rejected(*problems)
    attributes = envelope.attributes
    return Submission(
        organisation=organisation,
        source=envelope.source,
        id=envelope.id,
        type=kind,
        subject=subject,
        key=getattr(data, kind.key_field),
        data=data,
        hash=_content_hash(kind.name, envelope.data),
        received_at=received_at,
        record=record,
        correlationid=attributes.get("correlationid", ""),
        traceparent=attributes.get("traceparent", ""),
    )


def _data_of(data: bytes, kind: SubmissionType, problems: list[Problem]) -> Model | None:
    try:
        model = kind.model.model_validate_json(data)
    except ValidationError as error:
        problems.extend(problems_of(error) if _is_utf8(data) else [_NOT_UTF8])
        return None
    if duplicated := _duplicated_key(data):
        problems.append(
            Problem(
                code="duplicate-key",
                field=f"/{duplicated[:100]}",
                detail="this key occurs twice in one object",
                fix="Send each key once; which of the two was meant cannot be known.",
            )
        )
    return model


_NOT_UTF8: Final = Problem(
    code="not-utf-8", field="/", detail="the data is not UTF-8", fix="Encode the data as UTF-8."
)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _content_hash(kind: str, data: bytes) -> bytes:
    canonical = orjson.dumps(orjson.loads(data), option=orjson.OPT_SORT_KEYS)
    return sha256(kind.encode() + b"\n" + canonical).digest()


def _duplicated_key(data: bytes) -> str | None:
    """A key that occurs twice in one object, or None.

    Parsers keep the last of two equal keys, silently. Every key is followed by a colon, so as many ``":`` as the
    parsed value has keys means that none was lost; only when they differ is it looked at pair by pair.
    """
    if data.count(b'":') == _keys_in(orjson.loads(data)) and not _QUOTE_THEN_SPACE.search(data):
        return None
    return _first_duplicate(data)


def _keys_in(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_keys_in(item) for item in value.values() if isinstance(item, dict | list))
    if isinstance(value, list):
        return sum(_keys_in(item) for item in value if isinstance(item, dict | list))
    return 0


def _first_duplicate(data: bytes) -> str | None:
    duplicates: list[str] = []

    def pairs_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                duplicates.append(key)
            seen[key] = value
        return seen

    json.loads(data, object_pairs_hook=pairs_of)
    return duplicates[0] if duplicates else None


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
