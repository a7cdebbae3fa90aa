"""A backup of a service's database. During a backup or restore no client is connected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem

CONNECTED = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Backup:
    """A file-by-file copy of a database, next to the database."""

    system: LocalSystem
    service: Service

    @property
    def name(self) -> str:
        return f"{self.service}_backup"

    async def take(self) -> None:
        async with self._alone() as admin:
            await admin.execute(f'drop database if exists "{self.name}"')
            await admin.execute(f'create database "{self.name}" template "{self.service}" owner "{self.service}"')

    async def restore(self) -> None:
        """The service may keep running: connections break, and the database is older after the restore."""
        async with self._alone() as admin:
            await admin.execute(f'drop database "{self.service}" with (force)')
            await admin.execute(f'create database "{self.service}" template "{self.name}" owner "{self.service}"')

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        admin = await asyncpg.connect(self.system.postgres.admin_dsn)
        try:
            await admin.execute(f'alter database "{self.service}" allow_connections false')
            await admin.execute(CONNECTED, self.service)
            yield admin
            await admin.execute(f'alter database "{self.service}" allow_connections true')
        finally:
            await admin.close()
