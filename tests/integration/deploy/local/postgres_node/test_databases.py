"""Databases of the services: a database per service, with a separate role and password."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from deploy.local.errors import LocalEnvironmentUnavailable
from deploy.local.postgres_node.databases import Databases, scram_verifier
from deploy.local.secrets import Secrets

SERVICES = ("one", "other")


@pytest.fixture
def databases(server: str, tmp_path: Path) -> Databases:
    return Databases(server, Secrets(tmp_path))


async def user_in(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("select current_user || ' in ' || current_database()"))
    finally:
        await connection.close()


async def test_service_enters_its_own_database_only(databases: Databases) -> None:
    for _ in range(2):
        await asyncio.to_thread(databases.ensure, SERVICES)
    assert await user_in(databases.dsn_with_password("one")) == "one in one"
    for other in ("other", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await user_in(databases.dsn_with_password("one").removesuffix("one") + other)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await user_in(databases.dsn_with_password("one").replace("one:", "one:x", 1))


async def test_changed_password_replaces_the_old_one(server: str, tmp_path: Path) -> None:
    first, second = (Databases(server, Secrets(tmp_path / name)) for name in ("first", "second"))
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    await asyncio.to_thread(first.ensure, ["one"])
    await asyncio.to_thread(second.ensure, ["one"])
    assert await user_in(second.dsn_with_password("one")) == "one in one"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await user_in(first.dsn_with_password("one"))


def test_dsn_of_a_service_holds_no_password(databases: Databases) -> None:
    assert ":" not in databases.dsn("one").split("//")[1].partition("@")[0]


def test_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    nowhere = Databases("postgresql://postgres:x@127.0.0.1:1/postgres", Secrets(tmp_path))
    with pytest.raises(LocalEnvironmentUnavailable, match="SAMENSPEL_POSTGRES_DSN"):
        nowhere.ensure(["one"])


def test_verifier_has_a_salt_of_its_own_and_not_the_password() -> None:
    one, other = scram_verifier("secret"), scram_verifier("secret")
    assert one.startswith("SCRAM-SHA-256$4096:")
    assert one != other
    assert "secret" not in one + other
