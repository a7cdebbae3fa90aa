"""Who takes part, as the registry shows it to everybody who takes part."""

from typing import Any

import aiohttp

from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.profile import Credential, System


async def list_organisations(system: System, credential: Credential) -> list[dict[str, Any]]:
    """Every organisation's public state, in order of OIN. Raises SurroundingsMissing."""
    url = f"{system.http['registry']}/v1/organisations"
    found: list[dict[str, Any]] = []
    try:
        headers = {"authorization": f"Bearer {credential.token}"}
        async with aiohttp.ClientSession(raise_for_status=True, headers=headers) as session:
            while True:
                after = {"after": found[-1]["oin"]} if found else {}
                async with session.get(url, params=after) as response:
                    page = (await response.json())["items"]
                if not page:
                    return found
                found += page
    except (aiohttp.ClientError, TimeoutError):
        raise EnvironmentUnavailable(
            f"the registry at {url} does not answer: `samenspel status` shows what runs"
        ) from None
