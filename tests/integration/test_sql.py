"""Every SQL text in the product is valid in the service's migrated schema."""

import asyncpg
import pytest
import samenspel.messaging
from samenspel.contracts.topics import Service

from tests.plans.statements import WRITTEN, statements_of
from tests.support.service_schema import room


def test_sql_statements_in_subpackages_and_tuples_are_found() -> None:
    names = {name for name, _ in statements_of("services.notifier")}
    assert {
        "services.notifier.store.subscriptions.DEACTIVATE",
        "services.notifier.store.subscriptions.RESUME",
    } <= names
    assert any(name.startswith("samenspel.messaging.") for name, _ in statements_of("samenspel"))


@pytest.mark.parametrize("service", WRITTEN)
async def test_every_sql_statement_can_be_prepared(server: str, service: Service) -> None:
    statements = [*statements_of(samenspel.messaging.__name__), *statements_of(f"services.{service}")]
    assert len(statements) > 30
    wrong = {}
    async with room(server, service) as made, made.pool.acquire() as connection:
        for name, text in statements:
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                wrong[name] = str(error)
    assert not wrong
