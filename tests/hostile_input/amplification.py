"""Small input that becomes large: bytes after decompression, headers, attributes, JSON values, and problem texts.

Each batch takes at most 1 MiB at the broker, and each body at most 1 MiB over HTTP.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from tests.support.events import Event, binary
from tests.support.record_batches import GZIP, RawRecord, batch_of, raw

MIB: Final = 1_048_576
STRUCTURED: Final = b"application/cloudevents+json"
Records = Sequence[RawRecord]


@dataclass(frozen=True, slots=True)
class Amplified:
    """A batch of records made from a valid event, sent in gzip; ``codes`` are those of every answer."""

    name: str
    make: Callable[[Event], Records]
    codes: frozenset[str]

    def batch(self, event: Event) -> bytes:
        return batch_of(self.make(event), codec=GZIP)


def _of(name: str, make: Callable[[Event], Records], *codes: str) -> Amplified:
    return Amplified(name, make, frozenset(codes))


def _bent(event: Event, value: bytes | None = None, *headers: tuple[bytes, bytes | None]) -> RawRecord:
    record = raw(*binary(event))
    return RawRecord(record.value if value is None else value, [*record.headers, *headers])


def _structured(text: bytes) -> RawRecord:
    return RawRecord(text, [(b"content-type", STRUCTURED)])


def _event_with(event: Event, member: bytes, text: bytes) -> bytes:
    """The structured event with another member, exactly so."""
    return orjson.dumps(event)[:-1] + b"," + orjson.dumps(member.decode()) + b":" + text + b"}"


def _unknown_fields(event: Event, number: int) -> bytes:
    return orjson.dumps({**event["data"], **{f"x{each}": 1 for each in range(number)}})


def _costs(event: Event, number: int) -> bytes:
    return orjson.dumps({**event["data"], "estimated_costs": [{}] * number})


NESTED: Final = b"[" + b",".join([b'{"":{}}'] * (MIB // 8 - 1)) + b"]"
AMPLIFIED: Final = [
    _of("1,150,000 headers", lambda event: [_bent(event, None, *[(b"", None)] * 1_150_000)], "too-many-attributes"),
    _of("3,900,000 headers", lambda event: [_bent(event, None, *[(b"", None)] * 3_900_000)], "too-many-attributes"),
    _of("101 headers 4,000 times", lambda event: [RawRecord(b"", [(b"", None)] * 101)] * 4_000,
        "too-many-attributes"),
    _of("90 headers of 80 kB", lambda event: [_bent(event, None, *[(b"ce_n%d" % each, bytes(80_000))
        for each in range(90)])], "invalid-attribute"),
    _of("90 headers of 80 kB of wheels", lambda event: [_bent(event, None, *[
        (b"ce_n%d" % each, "\U0001f6b2".encode() * 20_000) for each in range(90)])], "invalid-attribute"),
    _of("an id of 7 MB", lambda event: [RawRecord(b"{}", [(b"ce_id", b"x" * 7 * MIB)])],
        "missing-attribute", "invalid-attribute"),
    _of("a content type of 7 MB", lambda event: [_bent(event, None, (b"content-type", b"x" * 7 * MIB))],
        "invalid-attribute"),
    _of("a value of 7 MB", lambda event: [_bent(event, bytes(7 * MIB))], "submission-too-large"),
    _of("JSON of 7 MB", lambda event: [_bent(event, b" " * 7 * MIB + b"{}")], "submission-too-large"),
    _of("a structured event of 7 MB", lambda event: [_structured(_event_with(event, b"x", b"[" * 7 * MIB))],
        "submission-too-large"),
    _of("a structured event of 90,000 attributes", lambda event: [_structured(orjson.dumps(
        {**event, **{f"x{each}": 1 for each in range(90_000)}}))], "submission-too-large"),
    _of("a structured event of 8,000 attributes", lambda event: [_structured(orjson.dumps(
        {**event, **{f"x{each}": 1 for each in range(8_000)}}))] * 40, "too-many-attributes"),
    _of("nested data of 1 MB, 7 times", lambda event: [_structured(_event_with(event, b"data", NESTED))] * 7,
        "submission-too-large"),
    _of("data in base64 of 1 MB", lambda event: [_structured(_event_with(
        {name: text for name, text in event.items() if name != "data"}, b"data_base64",
        b'"' + base64.b64encode(bytes(700_000)) + b'"'))] * 7, "not-json"),
    _of("1,000 unknown fields, 300 times", lambda event: [_bent(event, _unknown_fields(event, 1_000))] * 300,
        "unknown-field"),
    _of("600 empty costs, 300 times", lambda event: [_bent(event, _costs(event, 600))] * 300, "missing-field"),
    _of("15,000 empty costs, 30 times", lambda event: [_bent(event, _costs(event, 15_000))] * 30,
        "submission-too-large"),
    _of("a million digits", lambda event: [_bent(event, b'{"initiative_id":' + b"9" * MIB + b"}")] * 7,
        "submission-too-large"),
    _of("a name of 7 MB that is not UTF-8", lambda event: [_bent(event, None, (b"\xff" * 7 * MIB, None))],
        "unreadable-record"),
    _of("7 MB beside a name that is not UTF-8", lambda event: [_bent(event, bytes(7 * MIB), (b"\xff", None))],
        "unreadable-record"),
]  # fmt: skip


def bodies(event: Event) -> list[tuple[str, bytes]]:
    """Content type and body of requests that ask for much memory or time."""
    batch, single = "application/cloudevents-batch+json", STRUCTURED.decode()
    wrong = orjson.dumps({**event, "data": orjson.loads(_unknown_fields(event, 280))})
    return [
        (batch, b"[" + b",".join([wrong] * 350) + b"]"),
        (batch, b"[" + b",".join([b"{}"] * 340_000) + b"]"),
        (batch, b"[" + b",".join([b'{"":{"":{}}}'] * 500) + b"]"),
        (batch, NESTED),
        (batch, b"[" * MIB),
        (batch, b"[" + orjson.dumps(event)[:-1] + b',"data":' + b"[" * 900 + b"]" * 900 + b"}]"),
        (single, _event_with(event, b"data", NESTED[: -len(orjson.dumps(event)) - 100] + b"]")),
        (single, orjson.dumps({**event, **{f"x{each}": 1 for each in range(70_000)}})),
        ("application/json", _costs(event, 15_000)),
    ]
