"""The law, checked from outside: a replay of the log without the product's code, and a recount of the rows.

`replay` reads records like a replica without trust. `recount` compares the result with the owning service's database.
Both raise `AssertionError` at the first violation.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from typing import Any

import asyncpg
import orjson
from aiokafka import ConsumerRecord
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.database import rows
from tests.support.waiting import eventually

Name = tuple[str, int]
ATTEMPTS, PUBLISHED_SECONDS_MAX = 5, 40.0
HEADS = """
select l.topic, l.lane, l.timeline, l.sequence, p.sequence as published
from lane l join relay_progress p using (topic, lane) order by l.topic, l.lane
"""
Cause = tuple[str, str, str]
"""Organisation, source and id of a submission."""


@dataclass(slots=True)
class Replica:
    """A lane as derived from the log alone."""

    digest: int = 0
    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Headers as sorted lines, and value, by sequence: the first is number 1."""
    states: dict[tuple[str, str], bytes] = field(default_factory=dict)
    events_of: dict[Cause, list[str]] = field(default_factory=dict)
    """The types of the events caused by each submission."""
    repeats: int = 0


@dataclass(slots=True)
class Replay:
    """The lanes as derived from the records so far, in log order per lane."""

    lanes: dict[Name, Replica] = field(default_factory=dict)
    ids: set[bytes] = field(default_factory=set)

    def take(self, record: ConsumerRecord) -> bool:
        """Apply the law to a record; returns whether the record is new. A gap, a changed repeat or a wrong digest is
        an error.
        """
        lane = self.lanes.setdefault((record.topic, record.partition), Replica())
        headers = dict(record.headers)
        place = f"{record.topic}/{record.partition} offset {record.offset}"
        assert headers["ce_lane"].decode() == f"{record.topic}/{record.partition}", place
        sequence = int(headers["ce_sequence"])
        assert sequence <= len(lane.records) + 1, f"{place}: {sequence} comes after {len(lane.records)}"
        content = lines_of(record), record.value
        if sequence <= len(lane.records):
            assert lane.records[sequence - 1] == content, f"{place}: a repeat of {sequence} with other content"
            lane.repeats += 1
            return False
        assert headers["ce_id"] not in self.ids, f"{place}: the id {headers['ce_id']!r} stands twice"
        self.ids.add(headers["ce_id"])
        lane.records.append(content)
        if "ce_statedigest" in headers:
            _apply(lane, headers, record.value, place)
        return True


def replay(records: Iterable[ConsumerRecord]) -> dict[Name, Replica]:
    """Apply the law to all records; of a lane with several timelines, only the last counts."""
    kept = list(records)
    newest: dict[Name, int] = {}
    for record in kept:
        newest[record.topic, record.partition] = max(
            newest.get((record.topic, record.partition), 1), _timeline(record)
        )
    replayed = Replay()
    for record in kept:
        if _timeline(record) == newest[record.topic, record.partition]:
            replayed.take(record)
    return replayed.lanes


def _timeline(record: ConsumerRecord) -> int:
    return int(dict(record.headers)["ce_timeline"])


def lines_of(record: ConsumerRecord) -> bytes:
    """The record's ``ce_`` headers as sorted ``name:value`` lines."""
    pairs = sorted((name.encode(), value) for name, value in record.headers if name.startswith("ce_"))
    return b"".join(name + b":" + value + b"\n" for name, value in pairs)


def _apply(lane: Replica, headers: dict[str, bytes], value: bytes, place: str) -> None:
    aggregate, subject = headers["ce_aggregate"], headers["ce_subject"]
    reference = aggregate.decode(), subject.decode()
    before = lane.states.get(reference)
    if before is not None:
        lane.digest -= _hash(aggregate, subject, before)
    if orjson.loads(value).get("removed") is True:
        lane.states.pop(reference, None)
    else:
        lane.states[reference] = value
        lane.digest += _hash(aggregate, subject, value)
    lane.digest %= 2**256
    assert headers["ce_statedigest"].decode() == f"{lane.digest:064x}", f"{place}: another digest than its owner's"
    organisation = headers["ce_authid"].decode().rpartition(":")[2]
    cause = organisation, headers["ce_submissionsource"].decode(), headers["ce_submissionid"].decode()
    lane.events_of.setdefault(cause, []).append(headers["ce_type"].decode())


def _hash(aggregate: bytes, subject: bytes, value: bytes) -> int:
    digest = sha256()
    for part in (aggregate, subject):
        digest.update(len(part).to_bytes(8, "big") + part)
    digest.update(value)
    return int.from_bytes(digest.digest(), "big")


async def judge_at_rest(
    system: LocalSystem, service: Service, read: Callable[[], Awaitable[list[ConsumerRecord]]]
) -> dict[Name, Replica]:
    """Replay the log that ``read`` gives, and recount the rows, while everything is published and no lane grows.

    Log and database are read one after the other. An answer committed between both is no violation: both are read
    again. Without such an answer, the `AssertionError` of a violation is raised at once.
    """
    for left in reversed(range(ATTEMPTS)):
        heads = await eventually(partial(_published_heads, system, service), PUBLISHED_SECONDS_MAX)
        lanes = replay(await read())
        try:
            await recount(system, service, lanes)
            break
        except AssertionError:
            if not left or await rows(system, service, HEADS) == heads:
                raise
    return lanes


async def _published_heads(system: LocalSystem, service: Service) -> list[Any]:
    heads = await rows(system, service, HEADS)
    behind = [row for row in heads if row["sequence"] != row["published"]]
    assert not behind, f"{service} has not published {behind[:3]}"
    return heads


async def recount(system: LocalSystem, service: Service, lanes: dict[Name, Replica]) -> None:
    """Compare these lanes with the owner's database, row by row and sum by sum."""
    connection = await asyncpg.connect(system.databases.dsn_with_password(service))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for name, replica in lanes.items():
                await _recount_lane(connection, name, replica)
    finally:
        await connection.close()


async def _recount_lane(connection: "asyncpg.Connection[Any]", name: Name, replica: Replica) -> None:
    lane = await connection.fetchrow("select * from lane where (topic, lane) = ($1, $2)", *name)
    published = await connection.fetchrow("select * from relay_progress where (topic, lane) = ($1, $2)", *name)
    assert lane and published, name
    of_lane = "select sequence, headers, value from journal where (topic, lane, timeline) = ($1, $2, $3)"
    journal = await connection.fetch(f"{of_lane} order by sequence", *name, lane["timeline"])
    assert [row["sequence"] for row in journal] == list(range(1, lane["sequence"] + 1)), name
    rows_of_journal = [(row["headers"], row["value"]) for row in journal]
    assert rows_of_journal == replica.records, f"{name}: {_difference(rows_of_journal, replica.records)}"
    assert published["sequence"] == lane["sequence"], name
    rows = await connection.fetch("select * from aggregate where (topic, lane) = ($1, $2) and not removed", *name)
    assert {(row["aggregate"], row["subject"]): row["value"] for row in rows} == replica.states, name
    total = sum(int.from_bytes(row["hash"], "big") for row in rows) % 2**256
    assert total == replica.digest == int.from_bytes(lane["digest"], "big"), f"{name}: the sums differ"


def _difference(journal: Sequence[tuple[bytes, bytes]], log: Sequence[tuple[bytes, bytes]]) -> str:
    """Where log and journal differ first, with both contents; of a mere prefix, the first content beyond it."""
    pairs = enumerate(zip_longest(journal, log), start=1)
    first, (written, published) = next((number, pair) for number, pair in pairs if pair[0] != pair[1])
    lengths = f"log and journal differ: {len(journal)} rows, {len(log)} records"
    return f"{lengths}; at sequence {first} the journal has {written}, the log {published}"


async def is_published(system: LocalSystem, service: Service) -> bool:
    """Whether everything in the journal has been acknowledged by Kafka."""
    connection = await asyncpg.connect(system.databases.dsn_with_password(service))
    try:
        behind = await connection.fetchval(
            "select count(*) from lane l join relay_progress p using (topic, lane) where l.sequence <> p.sequence"
        )
    finally:
        await connection.close()
    return bool(behind == 0)
