"""Admission for reading: an organisation reads only if this service knows the organisation as admitted.

An organisation on a diverged lane is judged by the last state before the divergence.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from fastapi import HTTPException

from samenspel.messaging.errors import TRANSIENT
from samenspel.runtime.postgres import Pool

KNOWN_SECONDS: Final = 5.0
"""Time for which an admission is not looked up again."""
REFUSE_SECONDS: Final = 1.0
"""Wait before a refusal: an event about the admission may be on its way, and a client in a loop is slowed down."""
REMEMBERED_MAX: Final = 10_000
IS_ADMITTED: Final = """
select exists (select from aggregate where (aggregate, subject) = ('organisation.v1', $1) and not removed)
  or exists (select from projection where (aggregate, subject) = ('organisation.v1', $1))
"""
NOT_ADMITTED: Final = "your organisation is not admitted: only an admitted organisation reads; ask the operator"
NOT_YET: Final = "this service has not read all admissions yet; try again later"


class ReadAdmission:
    """Looks up organisations; the ``operator`` needs no admission.

    ``is_complete`` says whether the service has read everything that was published about organisations.
    """

    def __init__(
        self,
        pool: Pool,
        operator: str,
        is_complete: Callable[[], Awaitable[bool]],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._pool = pool
        self._operator = operator
        self._is_complete = is_complete
        self._clock = clock
        self._known_until: dict[str, float] = {}

    async def require(self, organisation: str) -> None:
        """Raises HTTP 403 for an organisation that was never admitted, and 503 if the service cannot tell yet."""
        if organisation == self._operator or self._known_until.get(organisation, 0.0) > self._clock():
            return
        try:
            if await self._is_admitted(organisation):
                return
            await asyncio.sleep(REFUSE_SECONDS)
            is_complete = await self._is_complete()
            if await self._is_admitted(organisation):
                return
        except TRANSIENT:
            is_complete = False
        raise HTTPException(403, NOT_ADMITTED) if is_complete else HTTPException(503, NOT_YET, {"Retry-After": "1"})

    async def _is_admitted(self, organisation: str) -> bool:
        async with self._pool.acquire() as connection:
            is_admitted = bool(await connection.fetchval(IS_ADMITTED, organisation))
        if is_admitted:
            self._remember(organisation)
        return is_admitted

    def _remember(self, organisation: str) -> None:
        if len(self._known_until) >= REMEMBERED_MAX:
            self._known_until.clear()
        self._known_until[organisation] = self._clock() + KNOWN_SECONDS
