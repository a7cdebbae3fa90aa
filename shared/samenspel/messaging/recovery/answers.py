"""Restoring first answers from Kafka, to recognise a repeated submission instead of deciding the submission twice.

A canonical event names its submission, and so proves an accepted submission. A receipt has the answers themselves,
including rejections. An accepted answer counts only when the events are in the journal.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.integers import read_lane_number
from samenspel.contracts.receipts import PublishedEvent
from samenspel.contracts.submission_hashes import HashKeyMissing, HashKeys, PublishedHash
from samenspel.messaging.inbox import answer_store, keyed_answers
from samenspel.messaging.inbox.answers import SubmissionIdentity
from samenspel.messaging.recovery.lane_recovery import LostSubmission, NotRecoverable, Recovered
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection

RECOVERED: Final = "recovered"
"""``record`` of an answer restored from events, because events do not name the record of their submission."""
SAVE: Final = """
insert into submission (organisation, source, id, answer)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
on conflict (organisation, source, id) do update set answer = excluded.answer, answered_at = now()
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
"""An organisation, and an answer from a receipt for the organisation."""


async def restore_from_events(connection: Connection, events: Sequence[CanonicalEvent]) -> int:
    """Store the answer *accepted* for the submissions of these events; returns the number of answers stored."""
    restored: dict[SubmissionIdentity, dict[str, Any]] = {}
    stored = await _load(connection, {_submission_of(event) for event in events})
    for event in events:
        identity = _submission_of(event)
        answer = restored.get(identity) or stored.get(identity)
        if answer is None or answer["outcome"] == "deferred":
            answer = _accepted(identity, event)
        if answer["record"] == RECOVERED:
            answer["events"].append(_event_ref(event))
            restored[identity] = answer
    return await _save(connection, restored)


async def restore_from_receipts(
    connection: Connection, answers: Sequence[AnswerTo], recovered: Recovered, hash_keys: HashKeys
) -> None:
    """Store the answers, and add broken promises and deferred submissions to ``recovered``.

    A broken promise is an accepted answer without its events in the journal. The answer *deferred* of a submission
    without a deferral in the backup is marked as lost: the submission is decided when it is received again.
    """
    stored = await _load(connection, {_identity(*each) for each in answers})
    journalled = await _journalled(connection, answers)
    restored: dict[SubmissionIdentity, dict[str, Any]] = {}
    for organisation, answer in answers:
        identity = _identity(organisation, answer)
        before = restored.get(identity) or stored.get(identity)
        if not _is_first_and_final(answer, before, hash_keys):
            if answer["outcome"] == "deferred" and before is None:
                restored[identity] = {**answer, "lost": True}
                recovered.still_deferred.append(_lost(identity, answer, answer))
        elif all(event["id"] in journalled for event in answer.get("events", ())):
            restored[identity] = answer
        else:
            recovered.broken_promises.append(_lost(identity, answer, before or {}))
    await _save(connection, restored)
    recovered.answers += sum(answer["outcome"] != "deferred" for answer in restored.values())
    _forget_answered(recovered, stored | restored)


def _lost(identity: SubmissionIdentity, answer: Mapping[str, Any], deferred: Mapping[str, Any]) -> LostSubmission:
    return LostSubmission(*identity, answer["record"], deferred.get("received_at"))


def _forget_answered(recovered: Recovered, answers: Mapping[SubmissionIdentity, Mapping[str, Any]]) -> None:
    """Remove the deferred submissions that have a final answer by now, or that are named as broken promises."""
    final = {identity for identity, answer in answers.items() if answer["outcome"] != "deferred"}
    final |= {(each.organisation, each.source, each.id) for each in recovered.broken_promises}
    recovered.still_deferred = [
        each for each in recovered.still_deferred if (each.organisation, each.source, each.id) not in final
    ]


def _is_first_and_final(answer: dict[str, Any], before: dict[str, Any] | None, hash_keys: HashKeys) -> bool:
    """Whether the lost database had this answer as the first, final answer; ``before`` is the answer stored now."""
    if answer["outcome"] not in ("accepted", "rejected") or "submissionhash" not in answer:
        return False
    if any(problem["code"] == "same-id-other-content" for problem in answer.get("problems", ())):
        return False
    if before is None:
        return True
    is_provisional: bool = before["outcome"] == "deferred" or before["record"] == RECOVERED
    return is_provisional and _has_hash_of(before, answer, hash_keys)


def _has_hash_of(before: dict[str, Any], answer: dict[str, Any], hash_keys: HashKeys) -> bool:
    """Whether both are about the same content; a receipt has the plain hash. Raises `NotRecoverable`."""
    try:
        return hash_keys.matches(PublishedHash.of(before), bytes.fromhex(answer["submissionhash"]))
    except HashKeyMissing as missing:
        raise NotRecoverable(str(missing)) from None


async def _load(
    connection: Connection, identities: Iterable[SubmissionIdentity]
) -> dict[SubmissionIdentity, dict[str, Any]]:
    rows = await connection.fetch(answer_store.LOAD, *as_joined_texts(sorted(identities), 3))
    found = await answer_store.members(connection, [row["answer"] for row in rows])
    return {(row["organisation"], row["source"], row["id"]): each for row, each in zip(rows, found, strict=True)}


async def _save(connection: Connection, answers: dict[SubmissionIdentity, dict[str, Any]]) -> int:
    """Store answers, and delete the backup's deferrals of the same submissions."""
    rows = sorted((*identity, orjson.dumps(answer)) for identity, answer in answers.items())
    if rows:
        await connection.execute(SAVE, *as_arrays(rows, 4))
        await keyed_answers.record_keys(connection, answers)
        await connection.execute(REMOVE_DEFERRED, *as_arrays(sorted(answers), 3))
    return len(rows)


async def _journalled(connection: Connection, answers: Sequence[AnswerTo]) -> set[str]:
    """Ids of the answers' events, if the journal has the event at the lane, timeline and sequence in the answer."""
    ids = {}
    for _, answer in answers:
        for each in answer.get("events", ()):
            event = _event_in(each)
            topic, _, lane = event.lane.rpartition("/")
            ids[topic, read_lane_number(lane), event.timeline, event.sequence] = event.id
    rows = await connection.fetch(JOURNALLED, *as_arrays(sorted(ids), 4))
    return {id for row in rows if f"\nce_id:{(id := ids[tuple(row.values())[:4]])}\n".encode() in row["headers"]}


def _event_in(member: dict[str, Any]) -> PublishedEvent:
    """The event that an answer names. Raises `NotRecoverable` for a receipt that this service cannot have written."""
    try:
        event = PublishedEvent.model_validate(member, extra="ignore")
        read_lane_number(event.lane.rpartition("/")[2])
    except ValueError as error:
        raise NotRecoverable(f"a receipt in Kafka is malformed: {error}") from None
    return event


def _submission_of(event: CanonicalEvent) -> SubmissionIdentity:
    """Identity of the causing submission."""
    headers = dict(event.headers)
    organisation = headers["ce_authid"].decode().rpartition(":")[2]
    return organisation, headers["ce_submissionsource"].decode(), headers["ce_submissionid"].decode()


def _identity(organisation: str, answer: dict[str, Any]) -> SubmissionIdentity:
    return organisation, answer["source"], answer["id"]


def _accepted(identity: SubmissionIdentity, event: CanonicalEvent) -> dict[str, Any]:
    headers = dict(event.headers)
    key_id = headers.get("ce_submissionhashkey", b"").decode()
    return {
        "source": identity[1],
        "id": identity[2],
        "outcome": "accepted",
        "record": RECOVERED,
        "events": [],
        **PublishedHash(headers["ce_submissionhash"].decode(), key_id).as_members(),
    }


def _event_ref(event: CanonicalEvent) -> dict[str, str | int]:
    """The event in the form of a receipt (`contracts.receipts.PublishedEvent`)."""
    lane = f"{event.topic}/{event.lane}"
    position: dict[str, str | int] = {"lane": lane, "timeline": event.timeline, "sequence": event.sequence}
    return {**position, "id": event.id, "type": event.type}
