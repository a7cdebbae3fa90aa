"""The requests of an assignment and of a restart do not depend on the number of organisations."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.conn import AIOKafkaConnection
from samenspel.client.admin.kafka_admin import admin_of
from samenspel.contracts.topics import Topic
from samenspel.messaging.inbox.offsets import resume_offsets
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox.unchanged_lanes import find_unchanged, mark_unchanged

from deploy.local.system import LocalSystem
from tests.support.organisations import unique_oin

SMALL, LARGE = 5, 40
APPEND_TIME: Final = {"message.timestamp.type": "LogAppendTime"}
DECIDED: Final = "insert into ingress_offset (topic, next_offset, appended_at) values ($1, 1, $2)"
LANE: Final = "insert into lane (topic, lane, sequence) values ($1, 0, 1)"
PROGRESS: Final = "insert into relay_progress (topic, lane, sequence, next_offset) values ($1, 0, 1, 1)"
POSITION: Final = [("ce_timeline", b"1"), ("ce_sequence", b"1")]


class Requests:
    """The requests to Kafka by kind, and the statements, of everything in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: Counter[str] = Counter()
        send = AIOKafkaConnection.send

        def counted(connection: Any, request: Any, *arguments: Any, **named: Any) -> Any:
            self.seen[type(request).__name__] += 1
            return send(connection, request, *arguments, **named)

        monkeypatch.setattr(AIOKafkaConnection, "send", counted)

    def statement(self, query: Any) -> None:
        """Count a statement about the tables of the service. asyncpg asks about types, once per connection."""
        self.seen["statement"] += any(table in query.query for table in ("ingress_offset", "lane"))

    def without_fetches(self) -> Counter[str]:
        """Fetches depend on the bytes in the logs."""
        return Counter({kind: number for kind, number in self.seen.items() if kind != "FetchRequest"})


@pytest.fixture
async def settings(system: LocalSystem) -> dict[str, Any]:
    """The admin's connection settings for aiokafka."""
    admin, access = system.profile.admin(), system.profile.system().kafka
    return {
        "bootstrap_servers": access.bootstrap,
        "security_protocol": access.security_protocol,
        "sasl_mechanism": access.sasl_mechanism,
        "sasl_plain_username": admin.username,
        "sasl_plain_password": admin.password,
    }


async def filled_topics(system: LocalSystem, settings: dict[str, Any]) -> dict[str, int]:
    """Topics of a domain that no service reads, with one record each, and the append time of each record."""
    names = [f"samenspel.in.counting.{unique_oin()}" for _ in range(LARGE)]
    admin_of(system.profile).ensure_topics([Topic(name, 1, APPEND_TIME) for name in names])
    async with AIOKafkaProducer(**settings) as producer:
        sent = {name: await producer.send_and_wait(name, b"{}", headers=POSITION) for name in names}
    return {name: each.timestamp for name, each in sent.items()}


@asynccontextmanager
async def undone(system: LocalSystem) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection to the registry's database whose changes are rolled back."""
    connection = await asyncpg.connect(system.databases.dsn_with_password("registry"))
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def connected(settings: dict[str, Any]) -> LogReader:
    """A log reader with a connection, which has asked for no topic."""
    reader = LogReader(settings)
    await reader.end_offsets([])
    return reader


async def test_offsets_of_many_partitions_take_as_many_requests_as_those_of_few(
    system: LocalSystem, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = await filled_topics(system, settings)
    counted: list[Counter[str]] = []
    for number in (SMALL, LARGE):
        asked = list(topics)[:number]
        reader = await connected(settings)
        async with undone(system) as connection:
            await connection.executemany(DECIDED, [(topic, topics[topic]) for topic in asked])
            with monkeypatch.context() as patched:
                requests = Requests(patched)
                connection.add_query_logger(requests.statement)
                assert await resume_offsets(connection, reader, asked) == dict.fromkeys(asked, 1)
        await reader.close()
        counted.append(requests.without_fetches())
    assert counted[0] == counted[1] == {"MetadataRequest": 1, "OffsetRequest": 2, "statement": 2}


async def test_many_unchanged_lanes_open_with_as_many_requests_as_few(
    system: LocalSystem, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = list(await filled_topics(system, settings))
    counted: list[Counter[str]] = []
    for number in (SMALL, LARGE):
        names: Sequence[tuple[str, int]] = [(topic, 0) for topic in topics[:number]]
        reader = await connected(settings)
        async with undone(system) as connection:
            for statement in (LANE, PROGRESS):
                await connection.executemany(statement, [(topic,) for topic, _ in names])
            with monkeypatch.context() as patched:
                requests = Requests(patched)
                connection.add_query_logger(requests.statement)
                unchanged = await find_unchanged(connection, reader, names)
                await mark_unchanged(connection, unchanged)
        await reader.close()
        counted.append(requests.without_fetches())
        assert len(unchanged) == number
    assert counted[0] == counted[1] == {"MetadataRequest": 1, "OffsetRequest": 2, "statement": 2}


async def test_known_leaders_are_not_asked_for_again(
    system: LocalSystem, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = await filled_topics(system, settings)
    reader = await connected(settings)
    try:
        assert await reader.existing([*topics, "samenspel.in.counting.nobody"]) == topics.keys()
        requests = Requests(monkeypatch)
        for _ in range(3):
            partition = TopicPartition(next(iter(topics)), 0)
            assert await reader.bounds(partition) == (0, 1)
        assert requests.seen == {"OffsetRequest": 6}
    finally:
        await reader.close()


async def test_error_of_a_partition_concerns_this_partition_alone(
    system: LocalSystem, settings: dict[str, Any]
) -> None:
    there, missing = TopicPartition(next(iter(await filled_topics(system, settings))), 0), TopicPartition("nobody", 0)
    beyond = TopicPartition(there.topic, 7)
    reader = await connected(settings)
    try:
        found = await reader.bounds_of([there, missing, beyond])
        assert found[there] == (0, 1)
        assert isinstance(found[missing], LookupError) and isinstance(found[beyond], LookupError)
        records = await reader.records_at({there: 0, missing: 0})
        assert records[there].offset == 0  # type: ignore[union-attr]  # it is a record
        assert isinstance(records[missing], LookupError)
        assert await reader.end_offsets([there, missing]) == {there: 1}
        with pytest.raises(LookupError):
            await reader.record_at(missing, 0)
    finally:
        await reader.close()
