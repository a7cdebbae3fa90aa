"""Hostile records: faults in a Kafka record around the content, and the content cases as records.

A kind modifies a valid event. ``told`` are the codes of the receipt's problems; an empty value means a harmless,
accepted record.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from tests.hostile_input.content import CONTENT, STRANGER, Case, Scene
from tests.support.events import Event, binary
from tests.support.record_batches import RawRecord, raw

Bend = Callable[[RawRecord], RawRecord]
STRUCTURED = b"application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    make: Callable[[Event], RawRecord]
    told: frozenset[str]
    named: bool | None = True
    """Whether the receipt carries the event's id. None: the id is hostile."""


def _bent(name: str, bend: Bend, *told: str, named: bool = True) -> Kind:
    return Kind(name, lambda event: bend(raw(*binary(event))), frozenset(told), named)


def _with(name: bytes, value: bytes | None) -> Bend:
    """An additional header."""
    return lambda record: replace(record, headers=[*record.headers, (name, value)])


def _set(name: bytes, value: bytes | None) -> Bend:
    """This header with another value."""
    return lambda record: replace(
        record, headers=[(known, value if known == name else content) for known, content in record.headers]
    )


def _value(value: bytes | None, key: bytes | None = None) -> Bend:
    return lambda record: replace(record, value=value, key=key)


def _keyed(key: bytes | None) -> Bend:
    return lambda record: replace(record, key=key)


def _filled(record: RawRecord, number: int) -> list[tuple[bytes | None, bytes | None]]:
    """The headers, and empty headers up to this number of headers."""
    return [*record.headers, *[(b"", None)] * (number - len(record.headers))]


def _structured(name: str, change: Callable[[bytes], bytes], *told: str, named: bool = True) -> Kind:
    return Kind(
        name,
        lambda event: RawRecord(change(orjson.dumps(event)), [(b"content-type", STRUCTURED)]),
        frozenset(told),
        named,
    )


def _member(name: str, value: Any) -> Callable[[bytes], bytes]:
    return lambda text: orjson.dumps({**orjson.loads(text), name: value})


def _same(text: bytes) -> bytes:
    return text


HEADERS = [
    _bent("a header's name is not UTF-8", _with(b"\xff\xfe", b"x"), "unreadable-record"),
    _bent("an attribute's name is not UTF-8", _with(b"ce_\xc3", b"x"), "unreadable-record"),
    _bent("a surrogate in a header's name", _with(b"\xed\xa0\x80", b"x"), "unreadable-record"),
    _bent("a header without a name", _with(b"", b"x")),
    _bent("a null header", _with(b"note", None)),
    _bent("a hundred headers", lambda record: replace(record, headers=_filled(record, 100))),
    *(
        _bent(
            f"{number:,} headers",
            lambda record, number=number: replace(record, headers=_filled(record, number)),
            "too-many-attributes",
        )
        for number in (101, 1_000, 400_000)
    ),
    _bent("a header of 100 kB", _with(b"note", b"x" * 100_000)),
    _bent("an attribute of 100 kB", _with(b"ce_note", b"x" * 100_000), "invalid-attribute"),
    _bent("an attribute without a name", _with(b"ce_", b"x"), "invalid-attribute"),
    _bent("an attribute in upper case", _with(b"ce_Note", b"x"), "invalid-attribute"),
    _bent("an attribute's name of 21 letters", _with(b"ce_" + b"n" * 21, b"x")),
    _bent("an attribute with the name of the data", _with(b"ce_data", b"x"), "invalid-attribute"),
    _bent("an attribute's name with a hyphen", _with(b"ce_my-note", b"x"), "invalid-attribute"),
    _bent("an attribute's name with an accent", _with("ce_é".encode(), b"x"), "invalid-attribute"),
    _bent("an attribute that is not UTF-8", _with(b"ce_note", b"\xff"), "invalid-attribute"),
    _bent("no headers at all", lambda record: replace(record, headers=[]), "missing-attribute", named=False),
    _bent("null keys are usual", _keyed(None)),
    _bent("a key of garbage", _keyed(b"\x00\xff\xfe")),
    _bent("a key of 100 kB", _keyed(b"k" * 100_000)),
]

ATTRIBUTES = [
    *(_bent(f"a null {name}", _set(b"ce_" + name.encode(), None), "missing-attribute", named=name != "id")
      for name in ("id", "source", "type", "specversion")),
    *(_bent(f"{name} twice", _with(b"ce_" + name.encode(), b"x"), "invalid-attribute")
      for name in ("id", "source", "type", "specversion")),
    _bent("an id that is not UTF-8", _set(b"ce_id", b"\xff"), "invalid-attribute", named=False),
    *(_bent(f"content type {kind}", _set(b"content-type", kind.encode()), "invalid-attribute")
      for kind in ("text/plain", "application/avro", "application/cloudevents-batch+json")),
    _bent("content type of bytes", _set(b"content-type", b"\xff\xfe"), "invalid-attribute"),
]  # fmt: skip

VALUES = [
    _bent("a tombstone", _value(None, b"key"), "not-json"),
    _bent("neither key nor value", _value(None), "not-json"),
]

STRUCTURES = [
    _structured("structured, not JSON", lambda text: text[:-1], "not-json", named=False),
    _structured("structured, empty", lambda text: b"", "not-json", named=False),
    _structured("structured, an array", lambda text: b"[" + text + b"]", "not-json", named=False),
    _structured("structured, UTF-16", lambda text: text.decode().encode("utf-16"), "not-utf-8", named=False),
    _structured("structured, nested 5,000 deep", lambda text: b"[" * 5_000 + b"]" * 5_000, "not-json", named=False),
    _structured("structured, null id", _member("id", None), "missing-attribute", named=False),
    _structured("structured, an id that is an object", _member("id", {}), "invalid-attribute", named=False),
    _structured("structured, an extension that is a list", _member("note", []), "invalid-attribute"),
    _structured("structured, no data", _member("data", None), "not-json"),
    _structured("structured, data that is a text", _member("data", "{}"), "invalid-field"),
    _structured("structured, plain text said to be in it", _member("datacontenttype", "text/plain"),
                "invalid-attribute"),
    _structured("structured, somebody else's source", _member("source", STRANGER), "source-mismatch"),
    _structured("structured, an attribute twice", lambda text: text[:-1] + b',"type":"x"}', "duplicate-key",
                "unknown-type"),
    _structured("structured, as it should be", _same),
]  # fmt: skip


def _carrying(case: Case) -> Kind:
    """The record with this content in binary mode."""

    def make(event: Event) -> RawRecord:
        scene = Scene(event["source"])
        attributes = case.attributes_in(scene)
        if "id" not in case.attributes:
            attributes["id"] = event["id"]
        headers = [(f"ce_{name}".encode(), text.encode()) for name, text in attributes.items()]
        return RawRecord(case.data(scene), [*headers, (b"content-type", b"application/json")])

    named = None if case.attributes.get("id") else "id" not in case.attributes
    return Kind(case.name, make, frozenset(code for code, _ in case.problems), named)


RECORDS: Final = [*HEADERS, *ATTRIBUTES, *VALUES, *STRUCTURES]
"""Hostile around the content."""
KINDS: Final = [*RECORDS, *(_carrying(case) for case in CONTENT if case.domain == "initiatives")]
