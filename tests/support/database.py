"""Looking into a service's database, as nobody but a test may."""

from typing import Any

import asyncpg
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem


async def rows(system: LocalSystem, service: Service, query: str, *arguments: Any) -> list[Any]:
    """The rows of the query there."""
    connection = await asyncpg.connect(system.databases.dsn_with_password(service))
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()
