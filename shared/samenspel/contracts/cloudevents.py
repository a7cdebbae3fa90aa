"""CloudEvents 1.0 decoding for Kafka and HTTP, binary and structured, and the checks of the context attributes.

The input is not trusted. A decodable event becomes an `Envelope`; any other input raises `Rejected` with all problems
at once. Rules: CloudEvents 1.0.2 §2-3, Kafka protocol binding §3, HTTP protocol binding §3, and the MUSTs of the
NLGov profile 1.1.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.strict_json import duplicated_key, not_json, parse

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
ATTRIBUTE_CHARS_MAX: Final = 256
"""Maximum characters in an attribute value. Events and receipts repeat three attributes of the submission."""
_NAME: Final = re.compile(r"[a-z0-9]{1,20}")
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUIRED: Final = ("specversion", "id", "source", "type")


@dataclass(slots=True)
class Envelope:
    """One decoded event: context attributes, data as JSON bytes, and the problems found while decoding."""

    attributes: dict[str, str]
    data: bytes
    problems: list[Problem] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.attributes.get("id", "")

    @property
    def source(self) -> str:
        return self.attributes.get("source", "")

    @property
    def type(self) -> str:
        return self.attributes.get("type", "")


def from_kafka(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Envelope:
    """The event in a Kafka record. Structured for content type ``application/cloudevents+json``, else binary."""
    pairs = list(headers)
    content_type = _media_type(dict(pairs).get("content-type") or b"")
    if content_type == STRUCTURED:
        return from_structured(value or b"")
    envelope = _binary([(name[3:], raw or b"") for name, raw in pairs if name.startswith("ce_")], value or b"")
    if content_type:
        envelope.attributes.setdefault("datacontenttype", content_type)
    return envelope


def from_http(headers: Mapping[str, str], body: bytes) -> list[Envelope]:
    """The events in an HTTP request: one event (binary or structured) or a batch."""
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == STRUCTURED:
        return [from_structured(body)]
    if content_type == BATCH:
        return [_from_object(item) for item in _batch_of(body)]
    named = [(name[3:], unquote_to_bytes(raw)) for name, raw in headers.items() if name.startswith("ce-")]
    envelope = _binary(named, body)
    if content_type:
        envelope.attributes.setdefault("datacontenttype", content_type)
    return [envelope]


def from_structured(body: bytes) -> Envelope:
    """The event in a CloudEvents JSON object (JSON event format §3)."""
    parsed = parse(body)
    envelope = _from_object(parsed)
    if duplicate := duplicated_key(body, parsed):
        envelope.problems.append(duplicate)
    return envelope


def check(envelope: Envelope) -> list[Problem]:
    """All problems of the context attributes; empty if the attributes conform to the specification."""
    attributes = envelope.attributes
    found = list(envelope.problems)
    # Fast path: check all values together. The attributes are checked one by one only if that finds a problem.
    if not all(map(attributes.get, _REQUIRED)):
        found.extend(_missing(attributes, {problem.field for problem in found}))
    joined = "".join(attributes.values())
    if len(joined) > ATTRIBUTE_CHARS_MAX or not joined.isprintable():
        found.extend(_too_long_or_controlled(attributes))
    if not attributes.keys() <= _KNOWN:
        found.extend(_misnamed(attributes.keys() - _KNOWN))
    for name, value in attributes.items():
        if value and name in _RULES and not _RULES[name].is_valid(value):
            found.append(_invalid(name, f"{value[:60]!r} {_RULES[name].detail}", _RULES[name].fix))
    return found


def _missing(attributes: Mapping[str, str], reported: Collection[str]) -> list[Problem]:
    return [
        Problem(
            code="missing-attribute",
            field=name,
            detail="this CloudEvents attribute is required",
            fix=f"Send header ce_{name} (Kafka) or ce-{name} (HTTP), or member {name} (structured).",
        )
        for name in _REQUIRED
        if not attributes.get(name) and name not in reported
    ]


def _misnamed(names: Iterable[str]) -> list[Problem]:
    return [_invalid(name, _NAMING, "Rename the attribute.") for name in sorted(names) if not _NAME.fullmatch(name)]


def _too_long_or_controlled(attributes: Mapping[str, str]) -> list[Problem]:
    return [
        _invalid(
            name,
            f"the value has more than {ATTRIBUTE_CHARS_MAX} characters or contains a control character",
            "Shorten the value and remove control characters.",
        )
        for name, value in attributes.items()
        if len(value) > ATTRIBUTE_CHARS_MAX or _CONTROL.search(value)
    ]


def _is_rfc3339(text: str) -> bool:
    try:
        return _RFC3339.fullmatch(text) is not None and bool(datetime.fromisoformat(text.upper()))
    except ValueError:
        return False


class _Rule(NamedTuple):
    """Validity check of one attribute, with the texts of the problem."""

    is_valid: Callable[[str], object]
    detail: str
    fix: str


_NAMING: Final = "invalid attribute name: 1 to 20 lower-case letters and digits are allowed"
_RULES: Final[Mapping[str, _Rule]] = {
    "specversion": _Rule("1.0".__eq__, "is not a supported version", 'Send "1.0".'),
    "time": _Rule(_is_rfc3339, "is not an RFC 3339 timestamp", "Send for example 2026-11-24T10:00:00Z."),
    "datacontenttype": _Rule(
        lambda value: value.startswith("application/json"), "is not JSON", "Send application/json."
    ),
    "traceparent": _Rule(
        _TRACEPARENT.fullmatch,
        "is not a W3C traceparent",
        "Remove the attribute, or send a valid traceparent (W3C Trace Context §3.2).",
    ),
}
_KNOWN: Final = frozenset(
    {*_REQUIRED, *_RULES, "subject", "dataschema", "partitionkey", "correlationid", "causationid"}
)


def _invalid(name: str, detail: str, fix: str) -> Problem:
    return Problem(code="invalid-attribute", field=name[:60], detail=detail, fix=fix)


@lru_cache(maxsize=64)
def _media_type(raw: bytes) -> str:
    return raw.decode("ascii", "replace").partition(";")[0].strip().lower()


def _binary(named: Sequence[tuple[str, bytes]], data: bytes) -> Envelope:
    """The event whose attributes are headers.

    All headers are decoded together; after a failure they are decoded one by one, to report each problem.
    """
    try:
        attributes = {name: raw.decode() for name, raw in named}
    except UnicodeDecodeError:
        attributes = {}
    envelope = Envelope(attributes, data)
    if len(attributes) != len(named):
        attributes.clear()
        for name, raw in named:
            _read_attribute(envelope, name, raw)
    return envelope


def _read_attribute(envelope: Envelope, name: str, raw: bytes) -> None:
    if name in envelope.attributes:
        envelope.problems.append(_invalid(name, "this attribute occurs twice", "Send the attribute once."))
        return
    try:
        envelope.attributes[name] = raw.decode()
    except UnicodeDecodeError:
        envelope.problems.append(_invalid(name, "the header value is not UTF-8", "Encode the value as UTF-8."))


def _batch_of(body: bytes) -> Sequence[Any]:
    items = parse(body)
    if not isinstance(items, list):
        raise Rejected(not_json("a batch is a JSON array"))
    return items


def _from_object(item: Any) -> Envelope:
    if not isinstance(item, dict):
        raise Rejected(not_json("an event is a JSON object"))
    data = item.get("data")
    envelope = Envelope({}, b"" if data is None else orjson.dumps(data))
    for name, value in item.items():
        if name == "data":
            continue
        if isinstance(value, str):
            envelope.attributes[name] = value
        elif isinstance(value, bool | int):
            envelope.attributes[name] = str(value).lower()
        elif value is not None:
            detail = "an attribute must be a string, an integer or a boolean"
            envelope.problems.append(_invalid(name, detail, "Send a value of one of these types."))
    return envelope
