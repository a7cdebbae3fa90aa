"""Statements of an organisation: CloudEvents to submit, built from at least a type and data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from samenspel.contracts.catalogue import SUBMISSIONS, SubmissionType, type_name
from samenspel.contracts.cloudevents import ATTRIBUTES_MAX, Envelope, from_item, unreadable
from samenspel.contracts.media_types import JSON
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.strict_json import decode
from samenspel.contracts.topics import Domain

SYSTEM: Final = "samenspel-cli"
CONTENT_TYPE: Final = "datacontenttype"
NAMESPACE: Final = uuid5(NAMESPACE_URL, "https://samenspel.example/submissions")
StatementIdentity = tuple[str, str]
"""Source and id: two submissions of an organisation with the same identity are repeats."""
SubmitProgress = Callable[[int], None]
"""Called with the number of newly acknowledged statements."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One submission: context attributes, and data as JSON bytes that are never serialised again."""

    attributes: Mapping[str, str]
    data: bytes
    kind: SubmissionType

    @property
    def identity(self) -> StatementIdentity:
        return self.attributes["source"], self.attributes["id"]

    @property
    def domain(self) -> Domain:
        return self.kind.domain

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers of the binary mode (CloudEvents Kafka binding §3.2)."""
        named = [(f"ce_{name}", value.encode()) for name, value in self.attributes.items() if name != CONTENT_TYPE]
        return [*named, ("content-type", self.attributes.get(CONTENT_TYPE, JSON).encode())]

    def structured(self) -> bytes:
        """The CloudEvents JSON object."""
        return orjson.dumps(dict(self.attributes))[:-1] + b',"data":' + (self.data or b"null") + b"}"

    def envelope(self) -> Envelope:
        """The submission in the form that the services decode."""
        return Envelope({CONTENT_TYPE: JSON, **self.attributes}, self.data)


def full_type(name: str) -> str:
    """``initiative-registered`` is short for ``nl.samenspel.initiative-registered.v1``."""
    return name if "." in name else type_name(name)


def source_of(oin: str, system: str = SYSTEM) -> str:
    return f"urn:nld:oin:{oin}:systeem:{system}"


def statement(oin: str, event_type: str, data: Mapping[str, Any], *, again: int = 0, **attributes: str) -> Statement:
    """Statement of the organisation ``oin`` with a type (short or full name) and data.

    Missing attributes are filled in. The id is derived from source, type, subject, data and ``again``: an equal
    statement is a repeat. Ids are published, so an id never depends on data with a private part: two statements of
    such a type about one subject have the same id. Raises `KeyError` for a type that cannot be submitted.
    """
    kind = SUBMISSIONS[full_type(event_type)]
    source = attributes.get("source") or source_of(oin)
    subject = str(attributes.get("subject") or data.get(kind.subject_field, ""))
    completed = {
        "specversion": "1.0",
        "id": _id_of(source, kind.name, subject, {} if kind.has_private_part else data, again),
        "source": source,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **attributes,
        "type": kind.name,
    }
    return Statement(completed, orjson.dumps(data), kind)


def envelope_of(oin: str, value: Any, problems: Sequence[Problem] = (), *, again: int = 0) -> Envelope:
    """The event in a parsed JSON value; the shortest form is ``{"type": …, "data": {…}}``.

    Absent attributes are filled in as in `statement`. ``problems`` are those of the text. The envelope is that of a
    structured event over HTTP, with the same problems.
    """
    if problems and value is None:
        return unreadable(*problems)
    if not isinstance(value, dict):
        return from_item(value)
    event_type = value.get("type")
    named = {"type": full_type(event_type)} if event_type and isinstance(event_type, str) else {}
    absent = {name: text for name, text in _defaults(oin).items() if value.get(name) is None}
    if len(value) >= ATTRIBUTES_MAX:
        absent.pop("time", None)  # optional, and perhaps the attribute too many
    envelope = from_item({**value, **named, **absent})
    if envelope.is_event:
        envelope.problems.extend(problems)
        if value.get("id") is None:
            envelope.attributes["id"] = _id_of_envelope(envelope, again)
    return envelope


def statement_in(envelope: Envelope) -> Statement:
    """The statement of an envelope without problems. Raises `KeyError` for a type that cannot be submitted."""
    return Statement(envelope.attributes, envelope.data, SUBMISSIONS[envelope.type])


def suggestion(event_type: str) -> str:
    """A known type with a similar name, or where to find the types."""
    short = {name.split(".")[2]: name for name in SUBMISSIONS}
    close = get_close_matches(event_type.split(".")[2] if event_type.count(".") > 2 else event_type, short, 1)
    found = f"did you mean {close[0]!r}? " if close else ""
    return f"{found}`samenspel catalogue` lists the types."


def _defaults(oin: str) -> dict[str, str]:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"specversion": "1.0", "source": source_of(oin), "time": time}


def _id_of_envelope(envelope: Envelope, again: int) -> str:
    try:
        data = decode(envelope.data)
    except Rejected:
        data = envelope.data.hex()
    kind = SUBMISSIONS.get(envelope.type)
    named = data.get(kind.subject_field, "") if kind and isinstance(data, dict) else ""
    subject = envelope.attributes.get("subject") or str(named)
    return _id_of(envelope.source, envelope.type, subject, data, again)


def _id_of(source: str, kind: str, subject: str, data: Any, again: int) -> str:
    canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()
    return str(uuid5(NAMESPACE, "\n".join((source, kind, subject, canonical, str(again)))))


def by_domain(statements: Sequence[Statement]) -> dict[Domain, list[Statement]]:
    """Group the statements by domain, in order."""
    found: dict[Domain, list[Statement]] = {}
    for each in statements:
        found.setdefault(each.domain, []).append(each)
    return found
