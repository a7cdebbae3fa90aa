"""Statements of an organisation: CloudEvents to submit, built from at least a type and data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from samenspel.contracts.catalogue import SUBMISSIONS, SubmissionType, type_name
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.topics import Domain

SYSTEM: Final = "samenspel-cli"
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
        named = [(f"ce_{name}", value.encode()) for name, value in self.attributes.items()]
        return [*named, ("content-type", b"application/json")]

    def structured(self) -> bytes:
        """The CloudEvents JSON object."""
        return orjson.dumps(dict(self.attributes))[:-1] + b',"data":' + self.data + b"}"

    def envelope(self) -> Envelope:
        """The submission in the form that the services decode."""
        return Envelope({**self.attributes, "datacontenttype": "application/json"}, self.data)


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


def from_object(oin: str, given: Mapping[str, Any], *, again: int = 0) -> Statement:
    """Statement from a JSON CloudEvent; the shortest form is ``{"type": …, "data": {…}}``.

    Raises ValueError when the object cannot be sent. The service checks the content.
    """
    event_type, data = given.get("type"), given.get("data")
    if not isinstance(event_type, str):
        raise ValueError('"type" is missing; `samenspel catalogue` lists the types')
    if not isinstance(data, dict):
        raise ValueError('"data" is missing or is not an object')
    if full_type(event_type) not in SUBMISSIONS:
        raise ValueError(f"{event_type[:100]!r} cannot be submitted{_did_you_mean(event_type)}")
    attributes = {name: value for name, value in given.items() if name not in ("type", "data", "datacontenttype")}
    if not_text := [name for name, value in attributes.items() if not isinstance(value, str)]:
        raise ValueError(f"attribute {not_text[0]!r} is not a text")
    return statement(oin, event_type, data, again=again, **attributes)


def _did_you_mean(event_type: str) -> str:
    short = {name.split(".")[2]: name for name in SUBMISSIONS}
    close = get_close_matches(event_type.split(".")[2] if event_type.count(".") > 2 else event_type, short, 1)
    return f"; did you mean {close[0]!r}?" if close else "; `samenspel catalogue` lists the types"


def _id_of(source: str, kind: str, subject: str, data: Mapping[str, Any], again: int) -> str:
    canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()
    return str(uuid5(NAMESPACE, "\n".join((source, kind, subject, canonical, str(again)))))


def by_domain(statements: Sequence[Statement]) -> dict[Domain, list[Statement]]:
    """Group the statements by domain, in order."""
    found: dict[Domain, list[Statement]] = {}
    for each in statements:
        found.setdefault(each.domain, []).append(each)
    return found
