"""First answers, known again from Kafka: what is read or sent again is a repeat, and not decided twice.

A fact names its submission, so it proves that this one was accepted. A receipt holds the answer itself, refusals
too; but what it promises counts only when its facts are in the journal.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.messaging.inbox.answer_store import LOAD
from samenspel.messaging.inbox.answers import SubmissionIdentity
from samenspel.messaging.recovery.lane_recovery import Recovered
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection

RECOVERED: Final = "recovered"
"""The record of an answer that only its facts prove: which record it came in, they do not say."""
SAVE: Final = """
insert into submission (organisation, source, id, answer)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
on conflict (organisation, source, id) do update set answer = excluded.answer
"""
REMOVE_DEFERRED: Final = """
delete from deferral
where (organisation, source, id) in (select * from unnest($1::text[], $2::text[], $3::text[]))
"""
JOURNALLED: Final = """
select x.topic, x.lane, x.timeline, x.sequence, j.headers
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) as x (topic, lane, timeline, sequence)
join journal j using (topic, lane, timeline, sequence)
"""

AnswerTo = tuple[str, dict[str, Any]]
"""An organisation, and one answer of a receipt to it."""


async def restore_from_events(connection: Connection, events: Sequence[CanonicalEvent]) -> int:
    """Keep *accepted* for the submissions that these facts name; returns how many were not known."""
    caused: dict[SubmissionIdentity, dict[str, Any]] = {}
    known = await _load(connection, {_identity_of_cause(event) for event in events})
    for event in events:
        identity = _identity_of_cause(event)
        before = caused.get(identity) or known.get(identity)
        if before is None or before["outcome"] == "deferred":
            before = _accepted(identity, event)
        if before["record"] == RECOVERED:
            before["events"].append(_event_ref(event))
            caused[identity] = before
    return await _save(connection, caused)


async def restore_from_receipts(connection: Connection, answers: Sequence[AnswerTo], recovered: Recovered) -> None:
    """Keep the final answers among these; promises that are void, and those not settled yet, are noted."""
    known = await _load(connection, {_identity(*each) for each in answers})
    there = await _journalled(connection, answers)
    kept: dict[SubmissionIdentity, dict[str, Any]] = {}
    for organisation, answer in answers:
        identity = _identity(organisation, answer)
        before = kept.get(identity) or known.get(identity)
        if not _is_first_and_final(answer, before):
            if answer["outcome"] == "deferred" and before is None:
                recovered.still_deferred.append((*identity, answer["record"]))
        elif all(event["id"] in there for event in answer.get("events", ())):
            kept[identity] = answer
        else:
            recovered.broken_promises.append((*identity, answer["record"]))
    recovered.answers += await _save(connection, kept)
    settled = kept.keys() | {identity for identity, answer in known.items() if answer["outcome"] != "deferred"}
    recovered.still_deferred = [each for each in recovered.still_deferred if each[:3] not in settled]


def _is_first_and_final(answer: dict[str, Any], before: dict[str, Any] | None) -> bool:
    """Whether this is what the table of submissions held of it before."""
    if answer["outcome"] not in ("accepted", "rejected") or "submissionhash" not in answer:
        return False
    if any(problem["code"] == "same-id-other-content" for problem in answer.get("problems", ())):
        return False
    if before is None:
        return True
    is_provisional: bool = before["outcome"] == "deferred" or before["record"] == RECOVERED
    return is_provisional and before["submissionhash"] == answer["submissionhash"]


async def _load(
    connection: Connection, identities: Iterable[SubmissionIdentity]
) -> dict[SubmissionIdentity, dict[str, Any]]:
    rows = await connection.fetch(LOAD, *as_joined_texts(sorted(identities), 3))
    return {(row["organisation"], row["source"], row["id"]): orjson.loads(row["answer"]) for row in rows}


async def _save(connection: Connection, answers: dict[SubmissionIdentity, dict[str, Any]]) -> int:
    """What was waiting in the backup and has its answer needs to wait no more."""
    rows = sorted((*identity, orjson.dumps(answer)) for identity, answer in answers.items())
    if rows:
        await connection.execute(SAVE, *as_arrays(rows, 4))
        await connection.execute(REMOVE_DEFERRED, *as_arrays(sorted(answers), 3))
    return len(rows)


async def _journalled(connection: Connection, answers: Sequence[AnswerTo]) -> set[str]:
    """The ids of the events that these answers name and that the journal has in that place."""
    places = {}
    for _, answer in answers:
        for event in answer.get("events", ()):
            topic, _, lane = event["lane"].rpartition("/")
            places[topic, int(lane), event["timeline"], event["sequence"]] = event["id"]
    rows = await connection.fetch(JOURNALLED, *as_arrays(sorted(places), 4))
    return {
        named for row in rows if f"\nce_id:{(named := places[tuple(row.values())[:4]])}\n".encode() in row["headers"]
    }


def _identity_of_cause(event: CanonicalEvent) -> SubmissionIdentity:
    headers = dict(event.headers)
    organisation = headers["ce_authid"].decode().rpartition(":")[2]
    return organisation, headers["ce_submissionsource"].decode(), headers["ce_submissionid"].decode()


def _identity(organisation: str, answer: dict[str, Any]) -> SubmissionIdentity:
    return organisation, answer["source"], answer["id"]


def _accepted(identity: SubmissionIdentity, event: CanonicalEvent) -> dict[str, Any]:
    return {
        "source": identity[1],
        "id": identity[2],
        "outcome": "accepted",
        "record": RECOVERED,
        "events": [],
        "submissionhash": dict(event.headers)["ce_submissionhash"].decode(),
    }


def _event_ref(event: CanonicalEvent) -> dict[str, str | int]:
    """The event as a receipt names it (`contracts.receipts.PublishedEvent`)."""
    lane = f"{event.topic}/{event.lane}"
    place: dict[str, str | int] = {"lane": lane, "timeline": event.timeline, "sequence": event.sequence}
    return {**place, "id": event.id, "type": event.type}
