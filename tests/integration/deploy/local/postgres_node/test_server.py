"""PostgreSQL as a local process: started once, adopted, and whole again after a SIGKILL."""

from collections.abc import Iterator

import asyncpg
import pytest

from deploy.local.errors import LocalSystemError
from deploy.local.postgres_node.server import Postgres
from deploy.local.system import LocalSystem
from tests.support.postgres import own_environment


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    system = LocalSystem(tmp_path_factory.mktemp("postgres") / "home")
    with own_environment():
        try:
            with system.home.locked():
                yield system.postgres
        finally:
            system.remove()


async def ask(postgres: Postgres, *statements: str) -> object:
    connection = await asyncpg.connect(postgres.admin_dsn)
    try:
        for statement in statements:
            answer = await connection.fetchval(statement)
        return answer
    finally:
        await connection.close()


async def test_committed_data_survives_a_kill(postgres: Postgres) -> None:
    with pytest.raises(LocalSystemError, match="never started"):
        postgres.admin_dsn  # noqa: B018  # the property raises
    postgres.start()
    first = postgres.daemon.process()
    postgres.start()
    assert postgres.daemon.process() == first, "adopted"
    await ask(postgres, "create table kept (number int)", "insert into kept values (7)")
    postgres.kill()
    assert not postgres.is_ready()
    postgres.start()
    assert postgres.is_ready()
    assert await ask(postgres, "select number from kept") == 7
    postgres.stop()
    assert postgres.daemon.process() is None


async def test_server_is_durable_and_asks_for_passwords(postgres: Postgres) -> None:
    postgres.start()
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert await ask(postgres, f"show {name}") == "on"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.admin_dsn.replace("postgres:", "postgres:x", 1))
