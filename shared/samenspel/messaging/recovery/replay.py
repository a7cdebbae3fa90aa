"""Replay of recovered records: canonical events into aggregates and the service's own tables, receipts into answers.

An event has the whole state after the change (ADR 0002). For a recovered event, `Decider.save` therefore writes the
same rows as for the first occurrence. Private data (such as an application's plan before the decision) is not in
Kafka. `SubmissionProcessor` restores private data when the submission is read or sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from samenspel.contracts.canonical import CanonicalEvent, read, to_lines
from samenspel.contracts.catalogue import EVENT_TYPES, AggregateRef
from samenspel.contracts.digest import REMOVED, to_hex
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.state import AggregateChange, DecisionState, StoredAggregate
from samenspel.messaging.errors import Fenced
from samenspel.messaging.outbox.journal import Lane
from samenspel.messaging.recovery.answers import AnswerTo, restore_from_events, restore_from_receipts
from samenspel.messaging.recovery.lane_recovery import LaneReplay, NotRecoverable, Recovered
from samenspel.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class EventReplay:
    """Replays canonical events for one service."""

    decider: Decider

    async def apply(
        self, connection: Connection, lane: Lane, records: Sequence[ConsumerRecord], recovered: Recovered
    ) -> None:
        """Append the records to the journal, and save aggregates, service tables and answers.

        Raises `NotRecoverable` for a record that is no event, an unknown type, an unreadable state, or a digest that
        differs from the event's digest.
        """
        events = [_event_in(record) for record in records]
        name = lane.topic, lane.lane
        own = await aggregates.load(connection, {(event.aggregate, event.subject) for event in events}, {name})
        changes: list[AggregateChange] = []
        for event, record in zip(events, records, strict=True):
            key = record.key.decode()
            own[event.aggregate, event.subject] = _advance(lane, event, own)
            lane.append(key, event.lines, event.value)
            changes.append(_change(event, key))
        changed = {change.ref: own[change.ref] for change in changes}
        try:
            await aggregates.save(connection, changed, dict.fromkeys(changed, name))
        except Fenced as error:
            raise NotRecoverable(f"{lane.name}: {error}") from None
        await self.decider.save(connection, DecisionState(own), changes)
        recovered.answers += await restore_from_events(connection, events)


def _event_in(record: ConsumerRecord) -> CanonicalEvent:
    try:
        return read(record.topic, record.partition, record.offset, record.headers, record.value)
    except (KeyError, ValueError, TypeError) as error:
        raise NotRecoverable(f"the record at offset {record.offset} is no canonical event: {error!r}") from None


def _advance(lane: Lane, event: CanonicalEvent, own: dict[AggregateRef, StoredAggregate]) -> StoredAggregate:
    before = own.get((event.aggregate, event.subject))
    new_hash = event.new_hash
    lane.advance(before.hash if before else REMOVED, new_hash)
    if lane.digest != event.statedigest:
        raise NotRecoverable(
            f"after event {event.sequence} of {lane.name} the digest is {to_hex(lane.digest)[:16]}… here, "
            f"and {to_hex(event.statedigest)[:16]}… in Kafka"
        )
    return StoredAggregate(event.value, new_hash, removed=new_hash == REMOVED)


def _change(event: CanonicalEvent, key: str) -> AggregateChange:
    event_type = EVENT_TYPES.get(event.type)
    if event_type is None:
        raise NotRecoverable(f"{event.type} is not known to this version: recover with the version that wrote it")
    try:
        state = event_type.aggregate.model.model_validate_json(event.value)
    except ValidationError as error:
        raise NotRecoverable(
            f"event {event.id} cannot be read by this version: {error.error_count()} problem(s)"
        ) from None
    return AggregateChange(event_type, event.subject, key, state)


async def _replay_receipts(
    connection: Connection, lane: Lane, records: Sequence[ConsumerRecord], recovered: Recovered
) -> None:
    answers: list[AnswerTo] = []
    for record in records:
        organisation = record.key.decode()
        lane.sequence += 1
        lane.append(organisation, to_lines(record.headers), record.value)
        answers += [(organisation, each) for each in orjson.loads(record.value)["answers"]]
    await restore_from_receipts(connection, answers, recovered)


RECEIPT_REPLAY: Final = LaneReplay(_replay_receipts, expires=True)
