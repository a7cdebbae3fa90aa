"""An HTTP request, with the whole response."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Said:
    """``headers`` by name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def is_problem(self, status: int) -> bool:
        """Whether the refusal has this status and the form of RFC 9457."""
        assert (self.status, self.headers.get("content-type")) == (status, PROBLEM), (self.status, self.body[:300])
        told = self.json
        return told["status"] == status and bool(told["title"] and told["detail"])


async def request(
    method: str, url: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = (), body: bytes | None = None
) -> Said:
    """Follows nothing, adds nothing."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.request(method, url, headers=headers, data=body, allow_redirects=False) as response,
    ):
        names = {name.lower(): value for name, value in response.headers.items()}
        return Said(response.status, names, await response.read())
