"""Client of the registry's list of organisations."""

from typing import Any

import aiohttp

from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.profile import Credential, System


async def list_organisations(system: System, credential: Credential) -> list[dict[str, Any]]:
    """Public state of every organisation, in order of OIN. Raises EnvironmentUnavailable."""
    url = f"{system.url('registry')}/v1/organisations"
    found: list[dict[str, Any]] = []
    try:
        headers = {"authorization": f"Bearer {credential.token}"}
        async with aiohttp.ClientSession(raise_for_status=True, headers=headers) as session:
            while True:
                after = {"after": found[-1]["oin"]} if found else {}
                async with session.get(url, params=after) as response:
                    page = (await response.json())["items"]
                # Another server may send one page for ever.
                if not page or (found and page[0]["oin"] <= found[-1]["oin"]):
                    return found
                found += page
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        raise EnvironmentUnavailable(
            f"the registry at {url} does not answer, or another server does: `samenspel status` shows the services"
        ) from None
