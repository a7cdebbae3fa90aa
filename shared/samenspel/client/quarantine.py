"""What lies in a service's quarantine, and what the operator does about it, over the service's HTTP API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import aiohttp
import orjson

from samenspel.client.http_door import DoorRefused
from samenspel.client.profile import Credential, System
from samenspel.client.surroundings import SurroundingsMissing
from samenspel.contracts.topics import Service

REQUEST_SECONDS_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One service's, as the operator. Raises SurroundingsMissing, or DoorRefused with what the service said."""

    system: System
    operator: Credential
    service: Service

    async def records(self, only_open: bool) -> list[dict[str, Any]]:
        """All of them, in order of number, without their content."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"after": str(found[-1]["number"] if found else 0), "onlyOpen": str(only_open).lower()}
            page = (await self._ask("GET", "", query))["items"]
            if not page:
                return found
            found += page

    async def record(self, number: int) -> dict[str, Any]:
        """One, with its raw content and what was done about it."""
        return await self._ask("GET", f"/{number}")

    async def act(self, number: int, action: Literal["retry", "discard"], why: str) -> str:
        """Returns what came of it: an answer's outcome, *discarded*, or *failed*."""
        said = await self._ask("POST", f"/{number}/actions", body={"action": action, "why": why})
        return str(said["outcome"])

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        url = f"{self.system.http[self.service]}/v1/quarantined-records{path}"
        headers = {"authorization": f"Bearer {self.operator.token}"}
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.request(method, url, params=query, json=body) as response,
            ):
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError):
            raise SurroundingsMissing(
                f"the {self.service} at {url} does not answer: `samenspel status` shows what runs"
            ) from None
        if status != 200:
            raise DoorRefused(f"the {self.service}: {_said(content)} (HTTP {status})")
        answer: dict[str, Any] = orjson.loads(content)
        return answer


def _said(content: bytes) -> str:
    """The reasons in a problem+json."""
    try:
        problem = orjson.loads(content)
    except orjson.JSONDecodeError:
        return "no reason given"
    return "; ".join(each["detail"] for each in problem.get("errors") or [problem])
