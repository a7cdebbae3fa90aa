"""The verdict after a storm: every promise is kept exactly once, and every replica is equal."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from samenspel.client.replica import ReplicaStore, sync_over_kafka, verify
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF, FUNDING, LANES_LOCAL, Service, ingress

from deploy.local.system import LocalSystem
from tests.faults.storm.harness import Stage
from tests.faults.storm.submitters import Crowd, Place
from tests.faults.storm.watcher import admin_access
from tests.faults.workload import law_holds
from tests.support.database import rows
from tests.support.funding_round import most_granted
from tests.support.invariants import Replica, is_published
from tests.support.organisations import Organisation, operator_of
from tests.support.reading import answers_of, read_all
from tests.support.waiting import eventually

SETTLED_SECONDS_MAX = 300.0
FOLLOWS = "select topic, lane, timeline, sequence, digest, diverged_at from checkpoint order by topic, lane"
STANDS = "select topic, lane, timeline, sequence, digest from lane where topic = any($1) order by topic, lane"


# Only of participants: other tests may have left rows in the same database.
WAITING = "select * from deferral where organisation = any($1)"
QUARANTINED = "select * from quarantine where split_part(topic, '.', 4) = any($1)"


async def judge(stage: Stage, crowd: Crowd) -> int:
    """Raises AssertionError at the first fault; returns the number of events on the canonical lanes."""
    system = stage.system
    lanes: dict[Any, Replica] = {}
    for service in stage.services:
        await eventually(partial(_is_settled, system, service, crowd), SETTLED_SECONDS_MAX)
        lanes |= await law_holds(system, service, [*crowd.organisations, operator_of(system)])
    for place in crowd.submitted:
        await _kept_its_promises(crowd, place, lanes)
    for service in stage.services:
        await _follows_all(system, service)
    if "funding" in stage.services:
        await _ceilings_hold(system)
    await asyncio.to_thread(_a_replica_is_equal, system)
    return sum(len(lane.records) for (topic, _), lane in lanes.items() if topic in CANONICAL)


async def _is_settled(system: LocalSystem, service: Service, crowd: Crowd) -> bool:
    """Everything was read and decided, nothing waits, nothing was set apart, and all is published."""
    offsets = {
        row["topic"]: row["next_offset"] for row in await rows(system, service, "select * from ingress_offset")
    }
    for oin, to in crowd.submitted:
        if to == service:
            topic = ingress(DOMAIN_OF[service], oin)
            end = await read_end(system, topic)
            assert offsets.get(topic, 0) == end, f"{topic}: read up to {offsets.get(topic)} of {end}"
    organisations = [oin for oin, _ in crowd.submitted]
    for query in (WAITING, QUARANTINED):
        left = await rows(system, service, query, organisations)
        assert not left, f"{service}: left are {left}"
    return await is_published(system, service)


async def read_end(system: LocalSystem, topic: str) -> int:
    """The next offset of this single-partition topic."""
    consumer = AIOKafkaConsumer(**admin_access(system), group_id=None)
    try:
        await consumer.start()
        partition = TopicPartition(topic, 0)
        return int((await consumer.end_offsets([partition]))[partition])
    finally:
        await consumer.stop()


async def _kept_its_promises(crowd: Crowd, place: Place, lanes: dict[Any, Replica]) -> None:
    """Each submission was accepted once and led to a single event; each record has a single answer; HTTP agreed."""
    oin, service = place
    organisation = next(each for each in crowd.organisations if each.oin == oin)
    given = await answers_of(organisation, DOMAIN_OF[service])
    accepted = {answer["id"]: answer["events"] for answer in given if answer["outcome"] == "accepted"}
    counted = Counter(answer["id"] for answer in given if answer["outcome"] == "accepted")
    missing = [each for each in crowd.submitted[place] if counted[each] != 1]
    assert not missing, f"{place}: {len(missing)} not accepted once, e.g. {_said_of(given, missing[0])}"
    records = Counter(answer["record"] for answer in given if answer["outcome"] != "deferred")
    del records["http"]
    topic = ingress(DOMAIN_OF[service], oin)
    offsets = [f"{topic}/0/{number}" for number in range(await read_end(organisation.system, topic))]
    twice = [record for record, times in records.items() if times != 1]
    assert not twice and sorted(records) == sorted(offsets), f"{topic}: answered twice {twice[:3]}"
    for promised in (*given, *crowd.http[place].answers):
        for event in promised.get("events", ()):
            _stands(lanes, event, organisation, promised)
        if promised["outcome"] == "accepted":
            assert promised["events"] == accepted[promised["id"]], promised


def _said_of(given: Sequence[dict[str, Any]], id: str) -> list[dict[str, Any]]:
    return [answer for answer in given if answer["id"] == id]


def _stands(lanes: dict[Any, Replica], event: dict[str, Any], by: Organisation, promised: dict[str, Any]) -> None:
    """The event is where the answer says, as the only event of this submission."""
    topic, _, lane = event["lane"].rpartition("/")
    replica = lanes[topic, int(lane)]
    lines, _ = replica.records[event["sequence"] - 1]
    assert f"ce_id:{event['id']}\n".encode() in lines, promised
    assert replica.events_of[by.oin, by.source, promised["id"]] == [event["type"]], promised


async def _follows_all(system: LocalSystem, service: Service) -> None:
    """The service's projections equal the owners': sequence and digest of every lane."""
    follows = {(row["topic"], row["lane"]): row for row in await rows(system, service, FOLLOWS)}
    for owner in set(CANONICAL.values()):
        topics = [topic for topic, name in CANONICAL.items() if name == owner]
        for stands in await rows(system, owner, STANDS, topics) if follows else ():
            name = stands["topic"], stands["lane"]
            if name in follows:
                await eventually(partial(_has_come_to, system, service, name, stands), 60)


async def _has_come_to(system: LocalSystem, service: Service, name: tuple[str, int], stands: Any) -> bool:
    position = {(row["topic"], row["lane"]): row for row in await rows(system, service, FOLLOWS)}[name]
    assert position["diverged_at"] is None, f"{service} diverged from {name}"
    assert position["sequence"] == stands["sequence"], f"{service} stands at {position['sequence']} of {name}"
    return bool(position["digest"] == stands["digest"] and position["timeline"] == stands["timeline"])


async def _ceilings_hold(system: LocalSystem) -> None:
    """At every prefix of the log (the commit order); and the budgets equal the sums of the log."""
    records = first_of_each(await read_all(admin_access(system), FUNDING, LANES_LOCAL))
    granted = +most_granted(records)
    budgets = await rows(system, "funding", "select programme_id, granted_cents, ceiling_cents from budget")
    assert granted, "no money was granted in this storm"
    assert all(row["granted_cents"] <= row["ceiling_cents"] for row in budgets)
    assert {row["programme_id"]: row["granted_cents"] for row in budgets if row["granted_cents"]} == dict(granted)


def first_of_each(records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
    """The log without repeats."""
    found: dict[bytes, ConsumerRecord] = {}
    for record in records:
        found.setdefault(dict(record.headers)["ce_id"], record)
    return list(found.values())


def _a_replica_is_equal(system: LocalSystem) -> None:
    """The client's own copy of every lane: each digest compared on the way, everything once more at the end."""
    oin = system.profile.any_credential().oin
    with ReplicaStore(Path(system.home.path) / "storm.db", create=True) as store:
        report = sync_over_kafka(system.profile, oin, store)
        assert report.is_sound, report
        verified = verify(store, system.profile, oin)
        assert verified.is_equal, verified
