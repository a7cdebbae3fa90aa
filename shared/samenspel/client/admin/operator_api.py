"""Client of the operator's HTTP API of a service, with the operator's token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson
from pydantic import BaseModel, ValidationError

from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.access.profile import Credential, System
from samenspel.client.admin.operator_answers import ObjectAnswer
from samenspel.client.submit.http import refusal_text
from samenspel.contracts.topics import Service

REQUEST_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class OperatorApi:
    """The operator's API of one service. ``seconds`` is the time limit of a request."""

    system: System
    operator: Credential
    service: Service
    seconds: float = REQUEST_SECONDS_MAX

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        shape: type[BaseModel] = ObjectAnswer,
    ) -> dict[str, Any]:
        """Return the JSON response, which has ``shape``. Raises EnvironmentUnavailable, RequestRefused."""
        url = f"{self.system.url(self.service)}{path}"
        headers = {"authorization": f"Bearer {self.operator.token}"}
        timeout = aiohttp.ClientTimeout(total=self.seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.request(method, url, params=query, json=body) as response,
            ):
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError):
            raise EnvironmentUnavailable(
                f"the {self.service} at {url} does not answer: `samenspel status` shows the running services"
            ) from None
        if status != 200:
            raise RequestRefused(f"the {self.service}: {refusal_text(status, content)}")
        try:
            shape.model_validate_json(content)
            answer: dict[str, Any] = orjson.loads(content)
        except (ValidationError, orjson.JSONDecodeError):
            raise EnvironmentUnavailable(
                f"the server at {url} is no {self.service}: correct the address in system.json of your profile"
            ) from None
        return answer
