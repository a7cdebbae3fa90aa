"""Hostile records and batches are decoded to problems, without a broker; neighbouring records are read."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord
from samenspel.contracts.catalogue import submissions_of
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import ingress
from samenspel.messaging.inbox.answers import Incoming
from samenspel.messaging.ingress.decoding import decode
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords

from tests.hostile_input.batches import TAKEN, Taken
from tests.hostile_input.records import KINDS, Kind
from tests.support.events import Event, binary, event, initiative
from tests.support.record_batches import RawRecord, batch_of, raw

OIN = "00000099000000000344"
TOPIC = ingress("initiatives", OIN)
TYPES = submissions_of("initiatives")
NOW_MS = datetime(2026, 11, 24, tzinfo=UTC).timestamp() * 1_000


def a_good_event() -> Event:
    return event(f"urn:nld:oin:{OIN}:systeem:tests", "initiative-registered", initiative())


def good_records(number: int) -> list[RawRecord]:
    return [raw(*binary(a_good_event())) for _ in range(number)]


def decoded(batch: bytes) -> dict[int, Incoming]:
    """The batch as read by a consumer, each record decoded; by offset. Kafka sets the append time."""
    read = SafeMemoryRecords(batch).next_batch()
    return {
        record.offset: decode(
            ConsumerRecord(TOPIC, 0, record.offset, NOW_MS, 1, record.key, record.value, None, 0, 0, record.headers),
            TYPES,
        )
        for record in read
    }


def codes_of(incoming: Incoming) -> set[str]:
    return {problem.code for problem in getattr(incoming, "problems", ())}


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_hostile_record_is_decoded_to_its_codes_and_its_neighbours_to_submissions(kind: Kind, place: int) -> None:
    hostile, records = a_good_event(), good_records(3)
    records[place] = kind.make(hostile)
    found = decoded(batch_of(records))
    assert codes_of(found[place]) == kind.told
    if kind.named is not None:
        assert found[place].id == (hostile["id"] if kind.named else "")
    neighbours: Sequence[Incoming] = [each for offset, each in found.items() if offset != place]
    assert [type(each) for each in neighbours] == [Submission, Submission]


@pytest.mark.parametrize("taken", TAKEN, ids=lambda taken: taken.name)
def test_hostile_batch_is_decoded_to_the_codes_of_each_offset(taken: Taken) -> None:
    found = decoded(taken.make(good_records(2)))
    assert {offset: codes_of(each) for offset, each in found.items()} == taken.told
