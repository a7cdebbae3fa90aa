"""CloudEvents 1.0 decoding for every entry point: Kafka and HTTP, binary and structured, HTTP batches, and the CLI.

The input is not trusted. Every input becomes an `Envelope`, with the problems found while decoding; no entry point
has a decoder of its own. Rules: CloudEvents 1.0.2 §2-3, JSON event format §3-4, Kafka and HTTP protocol bindings §3.
`samenspel.contracts.attribute_rules` checks the attributes.
"""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from samenspel.contracts.media_types import BATCH, STRUCTURED, media_type
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.strict_json import (
    DEPTH_MAX,
    TEXT_BYTES_MAX,
    canonical,
    decode,
    duplicated_key,
    duplicated_keys,
    has_same_keys,
    is_deeper,
    not_json,
    too_deep,
    without_bom,
)

ATTRIBUTES_MAX: Final = 100
"""Attributes of one event, and headers of one Kafka record; ``data`` is not counted."""
ATTRIBUTE_CHARS_MAX: Final = 256
"""Maximum characters in the name or the value of an attribute. Events and receipts repeat three attributes."""
KAFKA_PREFIX: Final = "ce_"
HTTP_PREFIX: Final = "ce-"
INTEGERS: Final = range(-(2**31), 2**31)
"""Range of an attribute of type Integer (CloudEvents 1.0.2 §2.2)."""
UNPARSED: Final = object()
"""In the place of parsed data: nobody has parsed the data, which may be any bytes."""
_DATA: Final = ("data", "data_base64")
_QUOTED: Final = re.compile(rb'"([^"\\]|\\.)*"')
"""A quoted string of an HTTP header (RFC 9110 §5.6.4)."""
_ESCAPED: Final = re.compile(rb"\\(.)")


@dataclass(slots=True)
class Envelope:
    """One decoded event: context attributes, data as JSON bytes, and the problems found while decoding.

    ``header_prefix`` starts the name of an attribute's header; empty in structured mode. ``is_event`` is false if
    only ``problems`` and perhaps an identity are known. ``parsed`` is the value of ``data`` if a parser of the whole
    event read it: ``data`` is then in canonical form (`strict_json.canonical`), else in the form of the sender.
    """

    attributes: dict[str, str]
    data: bytes
    problems: list[Problem] = field(default_factory=list)
    header_prefix: str = ""
    is_event: bool = True
    parsed: Any = UNPARSED

    @property
    def id(self) -> str:
        return self.attributes.get("id", "")

    @property
    def source(self) -> str:
        return self.attributes.get("source", "")

    @property
    def type(self) -> str:
        return self.attributes.get("type", "")


@dataclass(frozen=True, slots=True)
class HttpEvents:
    """The events of an HTTP request: ``number`` envelopes, decoded one by one. The answer to a batch is an array."""

    is_batch: bool
    number: int
    envelopes: Iterable[Envelope]


def from_kafka(headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Envelope:
    """The event in a Kafka record. Structured for content type ``application/cloudevents+json``, else binary."""
    if len(headers) > ATTRIBUTES_MAX:
        return unreadable(too_many_attributes(len(headers), "headers"))
    last = dict(headers)
    if len(last) != len(headers) and sum(name == "content-type" for name, _ in headers) > 1:
        return unreadable(_twice("datacontenttype"))
    content_type = media_type(last.get("content-type") or b"")
    if content_type == STRUCTURED:
        return from_structured(value or b"")
    data, prefix = without_bom(value or b""), KAFKA_PREFIX
    # All headers are decoded together; after a failure they are decoded one by one, to report each problem.
    try:
        attributes = {name[3:]: raw.decode() for name, raw in headers if name[:3] == prefix}  # type: ignore[union-attr]
        if len(last) == len(headers):
            return _typed(Envelope(attributes, data, [], prefix), content_type)
    except (AttributeError, UnicodeDecodeError):
        pass
    return _binary(headers, data, content_type, prefix)


def from_http(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> HttpEvents:
    """The events in an HTTP request: one event (binary or structured) or a batch. Header names are in lower case.

    Raises `Rejected` if the body of a batch is not a JSON array.
    """
    pairs = list(headers)
    content_types = [value for name, value in pairs if name == b"content-type"]
    content_type = media_type(content_types[0]) if content_types else ""
    if len(content_types) > 1:
        return HttpEvents(False, 1, [unreadable(_twice("datacontenttype"))])
    if content_type == BATCH:
        items = _batch_of(body)
        return HttpEvents(True, len(items), _from_items(without_bom(body), items))
    if content_type == STRUCTURED:
        return HttpEvents(False, 1, [from_structured(body)])
    named = [(name.decode("latin-1"), value) for name, value in pairs if name.startswith(HTTP_PREFIX.encode())]
    number = len(named) + len(content_types)
    if number > ATTRIBUTES_MAX:
        return HttpEvents(False, 1, [unreadable(too_many_attributes(number, "headers"))])
    plain = [(name, _http_value(value)) for name, value in named]
    return HttpEvents(False, 1, [_binary(plain, without_bom(body), content_type, HTTP_PREFIX)])


def _http_value(value: bytes) -> bytes:
    """The value of an attribute in an HTTP header: quotes are removed, then percent-encoding (binding §3.1.3.2)."""
    if value[:1] == value[-1:] == b'"' and _QUOTED.fullmatch(value):
        value = _ESCAPED.sub(rb"\1", value[1:-1])
    return unquote_to_bytes(value)


def from_structured(body: bytes) -> Envelope:
    """The event in a CloudEvents JSON object (JSON event format §3)."""
    try:
        parsed = decode(body, DEPTH_MAX + 1)
    except Rejected as refusal:
        return unreadable(*refusal.problems)
    envelope = _from_object(parsed)
    inner = b"" if envelope.parsed is UNPARSED else envelope.data
    if not envelope.is_event or has_same_keys(body, len(parsed), inner):
        return envelope
    if duplicate := duplicated_key(body, parsed):
        envelope.problems.append(duplicate)
    return envelope


def from_item(item: Any, duplicate: Problem | None = None) -> Envelope:
    """The event in a parsed JSON value of any depth; ``duplicate`` is the problem of a repeated key in the value."""
    if is_deeper(item, DEPTH_MAX + 1):
        return unreadable(too_deep(), identity=item if isinstance(item, dict) else None)
    envelope = _from_object(item)
    if envelope.is_event and duplicate:
        envelope.problems.append(duplicate)
    return envelope


def unreadable(*problems: Problem, identity: Mapping[str, Any] | None = None) -> Envelope:
    """Input that is not an event; of its attributes only the identity is kept, for the answer."""
    given = {name: (identity or {}).get(name) for name in ("source", "id")}
    named = {name: value[:ATTRIBUTE_CHARS_MAX] for name, value in given.items() if isinstance(value, str)}
    return Envelope(named, b"", list(problems), is_event=False)


def too_many_attributes(number: int, kind: str) -> Problem:
    return Problem(
        code="too-many-attributes",
        field="/",
        detail=f"the event has {number:,} {kind}; the maximum is {ATTRIBUTES_MAX}",
        fix="Send the content in the data, and fewer extension attributes.",
    )


def invalid_attribute(name: str, detail: str, fix: str) -> Problem:
    return Problem(code="invalid-attribute", field=name[:60], detail=detail, fix=fix)


def _from_object(item: Any) -> Envelope:
    """The event in a parsed JSON value of at most `DEPTH_MAX` + 1 levels."""
    if not isinstance(item, dict):
        fix = f"Send one object; over HTTP, send an array of events with content-type {BATCH}."
        return unreadable(not_json("an event is a JSON object", fix))
    number = len(item) - ("data" in item) - ("data_base64" in item)
    if number > ATTRIBUTES_MAX:
        return unreadable(too_many_attributes(number, "attributes"), identity=item)
    envelope = Envelope({}, b"")
    _read_data(envelope, item)
    for name, value in item.items():
        if name in _DATA or value is None:
            continue
        if isinstance(value, str):
            envelope.attributes[name] = value
        else:
            _read_member(envelope, name, value)
    return envelope


def _binary(headers: Iterable[tuple[str, bytes | None]], data: bytes, content_type: str, prefix: str) -> Envelope:
    """The event whose attributes are the headers with this prefix, with the problem of each header."""
    envelope = Envelope({}, data, [], prefix)
    for name, raw in headers:
        if name.startswith(prefix):
            _read_header(envelope, name.removeprefix(prefix), raw or b"")
    return _typed(envelope, content_type)


def _typed(envelope: Envelope, content_type: str) -> Envelope:
    """The same event; the content type is its attribute ``datacontenttype`` (protocol bindings §3.1)."""
    if content_type:
        given = envelope.attributes.setdefault("datacontenttype", content_type)
        if given is not content_type and media_type(given) != content_type:
            envelope.problems.append(_twice("datacontenttype"))
    return envelope


def _read_header(envelope: Envelope, name: str, raw: bytes) -> None:
    if name in envelope.attributes:
        envelope.problems.append(_twice(name))
        return
    try:
        envelope.attributes[name] = raw.decode()
    except UnicodeDecodeError:
        envelope.problems.append(
            invalid_attribute(name, "the header value is not UTF-8", "Encode the value as UTF-8.")
        )


def _twice(name: str) -> Problem:
    return invalid_attribute(name, "this attribute occurs twice", "Send the attribute once.")


def _read_member(envelope: Envelope, name: str, value: Any) -> None:
    """A JSON integer or boolean as attribute (JSON event format §2.2)."""
    if isinstance(value, bool) or (isinstance(value, int) and value in INTEGERS):
        envelope.attributes[name] = str(value).lower()
    else:
        detail = "an attribute must be a string, an integer of 32 bits or a boolean"
        envelope.problems.append(invalid_attribute(name, detail, "Send a value of one of these types."))


def _read_data(envelope: Envelope, item: Mapping[str, Any]) -> None:
    """The bytes of ``data`` or ``data_base64`` (JSON event format §3.1); no bytes if both are absent or null."""
    data, encoded = item.get("data"), item.get("data_base64")
    if encoded is None:
        if data is not None:
            envelope.parsed, envelope.data = data, canonical(data)
        return
    if data is not None:
        envelope.problems.append(
            invalid_attribute("data_base64", "data and data_base64 exclude each other", "Send one of the two.")
        )
    try:
        envelope.data = without_bom(b64decode(encoded, validate=True))
    except (TypeError, ValueError):
        fix = "Send a string of base64 (RFC 4648 §4), or JSON in data."
        envelope.problems.append(invalid_attribute("data_base64", "the value is not base64", fix))


def _batch_of(body: bytes) -> Sequence[Any]:
    """The items of a batch; the depth of each item is checked with the item."""
    items = decode(body, depth_max=TEXT_BYTES_MAX, separators_max=TEXT_BYTES_MAX)
    if not isinstance(items, list):
        fix = f"Send an array of events, or one event with content-type {STRUCTURED}."
        raise Rejected(not_json("a batch is a JSON array", fix))
    return items


def _from_items(body: bytes, items: Sequence[Any]) -> Iterator[Envelope]:
    """The events of a batch; a problem of an item costs no other item."""
    duplicates = duplicated_keys(body, items)
    for index, item in enumerate(items):
        yield from_item(item, duplicates.get(index))
