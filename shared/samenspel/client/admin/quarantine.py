"""What lies in a service's quarantine, and what the operator does about it, over the service's HTTP API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from samenspel.client.access.profile import Credential, System
from samenspel.client.admin.operator_api import OperatorApi
from samenspel.contracts.topics import Service


@dataclass(frozen=True, slots=True)
class QuarantineClient:
    """One service's, as the operator. Raises SurroundingsMissing, or DoorRefused with what the service said."""

    system: System
    operator: Credential
    service: Service

    async def records(self, only_open: bool) -> list[dict[str, Any]]:
        """All of them, in order of number, without their content."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"after": str(found[-1]["number"] if found else 0), "onlyOpen": str(only_open).lower()}
            page = (await self._request("GET", "", query))["items"]
            if not page:
                return found
            found += page

    async def record(self, number: int) -> dict[str, Any]:
        """One, with its raw content and what was done about it."""
        return await self._request("GET", f"/{number}")

    async def act(self, number: int, action: Literal["retry", "discard"], why: str) -> str:
        """Returns what came of it: an answer's outcome, *discarded*, or *failed*."""
        said = await self._request("POST", f"/{number}/actions", body={"action": action, "why": why})
        return str(said["outcome"])

    async def _request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        door = OperatorApi(self.system, self.operator, self.service)
        return await door.request(method, f"/v1/quarantined-records{path}", query, body)
