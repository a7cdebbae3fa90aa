"""Client of a service's quarantine API, for the operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from samenspel.client.access.profile import Credential, System
from samenspel.client.admin.operator_answers import ActionAnswer, QuarantinePageAnswer, RecordAnswer
from samenspel.client.admin.operator_api import OperatorApi
from samenspel.contracts.topics import Service


@dataclass(frozen=True, slots=True)
class QuarantineClient:
    """Quarantine of one service.

    Methods raise EnvironmentUnavailable, or RequestRefused with the reason of the service.
    """

    system: System
    operator: Credential
    service: Service

    async def records(self, only_open: bool) -> list[dict[str, Any]]:
        """All records in order of number, without content."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"after": str(found[-1]["number"] if found else 0), "onlyOpen": str(only_open).lower()}
            page = (await self._request(QuarantinePageAnswer, "GET", "", query))["items"]
            # Another server may send one page for ever.
            if not page or (found and page[0]["number"] <= found[-1]["number"]):
                return found
            found += page

    async def record(self, number: int) -> dict[str, Any]:
        """One record with raw content and the actions of operators."""
        return await self._request(RecordAnswer, "GET", f"/{number}")

    async def act(self, number: int, action: Literal["retry", "discard"], why: str) -> str:
        """Return the result: the outcome of the submission, *discarded*, or *failed*."""
        result = await self._request(ActionAnswer, "POST", f"/{number}/actions", body={"action": action, "why": why})
        return str(result["outcome"])

    async def _request(
        self,
        shape: type[BaseModel],
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> dict[str, Any]:
        api = OperatorApi(self.system, self.operator, self.service)
        return await api.request(method, f"/v1/quarantined-records{path}", query, body, shape)
