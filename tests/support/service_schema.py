"""A service's tables in a separate schema, and the service's parts, driven by the test."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import orjson
import pytest
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.submissions import Submission, read_submission
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, ORGANISATIONS, Service, receipts
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.inbox.answers import RenderedAnswer
from samenspel.messaging.ingress.kafka_receiver import KafkaReceiver
from samenspel.messaging.outbox import journal
from samenspel.runtime.database_health import StorageFull as DiskRoom
from samenspel.runtime.migrations import migrate
from samenspel.runtime.postgres import TIMEOUTS, Pool, create_pool

from services.registry.handlers import RegistryDecider
from tests.support.events import Event, event, initiative, new_id

OPERATOR: Final = "00000099000000000001"
"""May do without being admitted, which keeps these tests short."""
NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
TABLES: Final = (
    "lane",
    "journal",
    "aggregate",
    "submission",
    "ingress_offset",
    "checkpoint",
    "projection",
    "foreign_records",
    "quarantine",
    "quarantine_action",
    "deferral",
)
OPEN: Final = "update lane set reconciled = incarnation()"
OURS: Final = "select tablename from pg_tables where schemaname = current_schema() and tablename <> 'migration'"
BLOCKED: Final = """
select count(*) from pg_stat_activity
where application_name = current_setting('application_name') and wait_event_type = 'Lock'
"""
PATIENCE: Final = "60s"
"""Nothing is timed here: two transactions may take as long to meet as a loaded machine needs."""


@dataclass(slots=True)
class Room:
    """A service's tables, with the owned lanes; no lane is reconciled before `open_lanes`."""

    pool: Pool
    handlers: Decider = field(default_factory=lambda: RegistryDecider(OPERATOR))

    def processor(self, handlers: Decider | None = None) -> SubmissionProcessor:
        source = f"urn:nld:oin:{OPERATOR}:systeem:samenspel-registry"
        return SubmissionProcessor(handlers or self.handlers, source, LANES_LOCAL, new_id, lambda: NOON)

    def ingress(self) -> KafkaReceiver:
        """A receiver without any reading so far, as after a start."""
        return KafkaReceiver(self.processor(), self.pool, lambda number: None, DiskRoom())

    async def open_lanes(self, *organisations: str) -> None:
        """The registry's lanes, and the receipts lanes of these organisations."""
        names = [(topic, lane) for topic in (INITIATIVES, ORGANISATIONS) for lane in range(LANES_LOCAL)]
        async with self.pool.acquire() as connection:
            await journal.ensure(
                connection, [*names, *((receipts("initiatives", each), 0) for each in organisations)]
            )
            await connection.execute(OPEN)

    async def clear(self) -> None:
        """Empty all tables, without the triggers against changes."""
        tables = [row["tablename"] for row in await self.rows(OURS)]
        deletes = "".join(f"delete from {table};" for table in tables)  # noqa: S608  # names from the catalogue
        await self.pool.execute(f"set session_replication_role = replica; {deletes} reset session_replication_role")

    async def settle(self, *submissions: Submission, handlers: Decider | None = None) -> list[RenderedAnswer]:
        """Decide these in a transaction."""
        async with self.pool.acquire() as connection, connection.transaction():
            return await self.processor(handlers).process(connection, submissions)

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        return list(await self.pool.fetch(query, *arguments))

    async def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything kept by the law."""
        return {table: sorted(map(tuple, await self.rows(f"table {table}")), key=repr) for table in TABLES}

    async def is_blocked(self) -> bool:
        """Whether a transaction waits for another's lock."""
        return bool(await self.pool.fetchval(BLOCKED))


@asynccontextmanager
async def room(server: str, service: Service = "registry", **time_outs: str) -> AsyncIterator[Room]:
    """A migrated schema on the server of this superuser's URL; dropped afterwards.

    ``time_outs`` override `samenspel.runtime.postgres.TIMEOUTS`.
    """
    name = f"law_{uuid4().hex}"
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f'create schema "{name}"')
        parts = urlsplit(server)
        dsn, password = parts._replace(query=f"search_path={name}").geturl(), parts.password or ""
        await migrate(dsn, password, ["samenspel.messaging", f"services.{service}"])
        with pytest.MonkeyPatch.context() as patch:
            for time_out in TIMEOUTS:
                patch.setitem(TIMEOUTS, time_out, time_outs.get(time_out, PATIENCE))
            pool = await create_pool(dsn, password, name, 6)
        try:
            yield Room(pool)
        finally:
            pool.terminate()
    finally:
        await admin.execute(f'drop schema if exists "{name}" cascade')
        await admin.close()


def statement(fact: str, data: Mapping[str, Any], by: str = OPERATOR, **attributes: Any) -> Event:
    return event(f"urn:nld:oin:{by}:systeem:tests", fact, data, **attributes)


def submission(stated: Event, by: str = OPERATOR) -> Submission:
    """As read by either entry point."""
    attributes = {name: str(value) for name, value in stated.items() if name != "data"}
    envelope = Envelope(attributes, orjson.dumps(stated["data"]))
    return read_submission(envelope, by, RegistryDecider.types, NOON, "test")


def registered(**changes: Any) -> Submission:
    return submission(statement("initiative-registered", initiative(**changes)))


def changed(initiative_id: str, version: int, title: str) -> Submission:
    data = {"initiative_id": initiative_id, "based_on_version": version, "title": title}
    return submission(statement("initiative-changed", data))


def outcomes(answers: Iterable[RenderedAnswer]) -> list[str]:
    return [answer.outcome for answer in answers]
