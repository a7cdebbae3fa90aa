"""Every kind of record that an organisation may send and should not: how it is made, and what it is told.

A kind bends one good event. ``told`` are the codes of its receipt's problems; none means that it is harmless, and is
accepted. ``named`` says whether its receipt can carry the event's id; else the sender finds it by the record's place.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from gzip import compress
from typing import Any

import orjson

from tests.support.events import Event, binary
from tests.support.record_batches import RawRecord, raw

Bend = Callable[[RawRecord], RawRecord]
STRUCTURED = b"application/cloudevents+json"
SOMEBODY = b"urn:nld:oin:00000099999999999999:systeem:x"


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    make: Callable[[Event], RawRecord]
    told: frozenset[str]
    named: bool = True


def _bent(name: str, bend: Bend, *told: str, named: bool = True) -> Kind:
    return Kind(name, lambda event: bend(raw(*binary(event))), frozenset(told), named)


def _with(name: bytes, value: bytes | None) -> Bend:
    """One header more."""
    return lambda record: replace(record, headers=[*record.headers, (name, value)])


def _set(name: bytes, value: bytes | None) -> Bend:
    """This header with another value."""
    return lambda record: replace(
        record, headers=[(known, value if known == name else content) for known, content in record.headers]
    )


def _without(name: bytes) -> Bend:
    return lambda record: replace(record, headers=[each for each in record.headers if each[0] != name])


def _value(value: bytes | None, key: bytes | None = None) -> Bend:
    return lambda record: replace(record, value=value, key=key)


def _keyed(key: bytes | None) -> Bend:
    return lambda record: replace(record, key=key)


def _text(change: Callable[[bytes], bytes]) -> Bend:
    return lambda record: replace(record, value=change(record.value or b""))


def _title(spelled: bytes) -> Bend:
    """The title spelled exactly so."""
    return _text(lambda text: b'{"title":' + spelled + b"," + orjson.dumps(_untitled(text))[1:])


def _untitled(text: bytes) -> Any:
    data = orjson.loads(text)
    del data["title"]
    return data


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
    _bent("a thousand headers", lambda record: replace(record, headers=[*record.headers, *[(b"n", b"")] * 1_000])),
    _bent("a header of 100 kB", _with(b"note", b"x" * 100_000)),
    _bent("an attribute of 100 kB", _with(b"ce_note", b"x" * 100_000), "invalid-attribute"),
    _bent("an attribute without a name", _with(b"ce_", b"x"), "invalid-attribute"),
    _bent("an attribute in upper case", _with(b"ce_Note", b"x"), "invalid-attribute"),
    _bent("an attribute's name of 21 letters", _with(b"ce_" + b"n" * 21, b"x"), "invalid-attribute"),
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
    *(_bent(f"an empty {name}", _set(b"ce_" + name.encode(), b""), "missing-attribute", named=name != "id")
      for name in ("id", "source", "type", "specversion")),
    *(_bent(f"no {name}", _without(b"ce_" + name.encode()), "missing-attribute", named=name != "id")
      for name in ("id", "source", "type", "specversion")),
    *(_bent(f"{name} twice", _with(b"ce_" + name.encode(), b"x"), "invalid-attribute")
      for name in ("id", "source", "type", "specversion")),
    *(_bent(f"specversion {version}", _set(b"ce_specversion", version.encode()), "invalid-attribute")
      for version in ("1", "0.3", "1.0 ", "2.0")),
    *(_bent(f"time {moment}", _with(b"ce_time", moment.encode()), "invalid-attribute")
      for moment in ("yesterday", "2026-02-30T10:00:00Z", "2026-11-24T25:00:00Z", "2026-11-24T10:00:00",
                     "20261124T100000Z", "٢٠٢٦-11-24T10:00:00Z", "0", "2026-11-24 10:00:00Z")),
    *(_bent(f"content type {kind}", _set(b"content-type", kind.encode()), "invalid-attribute")
      for kind in ("text/plain", "application/avro", "application/cloudevents-batch+json")),
    _bent("content type of bytes", _set(b"content-type", b"\xff\xfe"), "invalid-attribute"),
    _bent("a broken traceparent", _with(b"ce_traceparent", b"00-x"), "invalid-attribute"),
    _bent("a line break in an attribute", _with(b"ce_note", b"a\nce_id:b"), "invalid-attribute"),
    _bent("a NUL in an attribute", _with(b"ce_note", b"a\x00"), "invalid-attribute"),
    _bent("a source that is somebody else's", _set(b"ce_source", SOMEBODY), "source-mismatch"),
    _bent("a source that is none", _set(b"ce_source", b"city"), "source-mismatch"),
    _bent("a source with a space", _set(b"ce_source", SOMEBODY + b" "), "source-mismatch"),
    _bent("another's subject", _with(b"ce_subject", b"0"), "subject-mismatch"),
    _bent("an unknown type", _set(b"ce_type", b"nl.samenspel.initiative-imagined.v1"), "unknown-type"),
    _bent("an unknown version", _set(b"ce_type", b"nl.samenspel.initiative-registered.v2"), "unknown-type"),
    _bent("a canonical fact of another domain", _set(b"ce_type", b"nl.samenspel.grant-awarded.v1"), "unknown-type"),
]  # fmt: skip

VALUES = [
    _bent("a tombstone", _value(None, b"key"), "not-json"),
    _bent("neither key nor value", _value(None), "not-json"),
    _bent("an empty value", _value(b""), "not-json"),
    _bent("garbage", _value(b"\x80\x81\xff"), "not-utf-8"),
    _bent("an Avro record", _value(b"\x00\x00\x00\x00\x01\x02a"), "not-json"),
    _bent("UTF-16", _text(lambda text: text.decode().encode("utf-16")), "not-utf-8"),
    _bent("a byte order mark", _text(lambda text: b"\xef\xbb\xbf" + text), "not-json"),
    _bent("bytes behind", _text(lambda text: text + b"\x00"), "not-json"),
    _bent("two values", _text(lambda text: text + text), "not-json"),
    _bent("half a value", _text(lambda text: text[:-20]), "not-json"),
    _bent("gzip", _text(compress), "not-utf-8"),
    _bent("a comma too many", _text(lambda text: text[:-1] + b",}"), "not-json"),
    _bent("a comment", _text(lambda text: b"/**/" + text), "not-json"),
    _bent("single quotes", _text(lambda text: text.replace(b'"', b"'")), "not-json"),
    *(_bent(f"a title of {spelled.decode()[:12]}", _title(spelled), "not-json")
      for spelled in (b"NaN", b"-Infinity", b"1e400", b'"\\ud800"', b'"\\x00"', b"01", b"[" * 70 + b"]" * 70)),
    *(_bent(f"overlong or split UTF-8 {bad.hex()}", _title(b'"' + bad + b'"'), "not-utf-8")
      for bad in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82")),
    _bent("a raw line break in a text", _title(b'"a\nb"'), "not-json"),
    _bent("a key twice", _text(lambda text: text[:-1] + b',"title":"x"}'), "duplicate-key"),
    _bent("300 digits", _title(b"9" * 300), "invalid-field"),
    *(_bent(f"a value that is {value.decode()}", _value(value), "invalid-field")
      for value in (b"[]", b'""', b"0", b"null", b"true")),
    _bent("an empty object", _value(b"{}"), "missing-field"),
    _bent("a field that is unknown", _text(lambda text: text[:-1] + b',"colour":1}'), "unknown-field"),
    _bent("50 kB", _title(b'"' + b"x" * 50_000 + b'"'), "submission-too-large"),
    _bent("900 kB", _title(b'"' + b"x" * 900_000 + b'"'), "submission-too-large"),
]  # fmt: skip

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
    _structured("structured, somebody else's source", _member("source", SOMEBODY.decode()), "source-mismatch"),
    _structured("structured, an attribute twice", lambda text: text[:-1] + b',"type":"x"}', "duplicate-key",
                "unknown-type"),
    _structured("structured, as it should be", _same),
]  # fmt: skip

KINDS = [*HEADERS, *ATTRIBUTES, *VALUES, *STRUCTURES]
