"""Runs after all other tests: no secret of the system is readable by others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.system import LocalSystem
from tests.security.secret_scan import Scan, command_lines, secrets_of
from tests.support.events import initiative
from tests.support.http_requests import request
from tests.support.organisations import Organisation, admit
from tests.support.submitting import STRUCTURED


@pytest.fixture(scope="module")
def scan(system: LocalSystem) -> Scan:
    return Scan(secrets_of(system))


@pytest_asyncio.fixture(scope="module")
async def city(system: LocalSystem) -> Organisation:
    return await admit(system)


def test_scan_finds_every_secret_of_the_system(system: LocalSystem, scan: Scan) -> None:
    """The scan finds each secret in the secret files, and submitted text in Kafka's files."""
    kept = [file for file in system.home.secrets.rglob("*") if file.is_file() and file.name != "jwks.json"]
    assert len(scan.of_files(kept)) == len(kept) > 5
    said = Scan({"an organisation": system.profile.any_credential().oin})
    assert said.of_files(_segments(system))


def test_secret_files_are_readable_by_their_owner_only(system: LocalSystem) -> None:
    for file in system.home.secrets.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (system.home.profile, system.home.secrets))


def test_no_log_holds_a_secret(system: LocalSystem, scan: Scan) -> None:
    logs = list(system.home.log("any").parent.glob("*.log"))
    assert len(logs) >= 4
    assert scan.of_files(logs) == set()


def test_no_event_holds_a_secret(system: LocalSystem, scan: Scan) -> None:
    """Every record of every topic in Kafka's files; users' passwords are only salted, in Kafka's own log."""
    assert scan.of_files(_segments(system)) == set()


def test_no_command_line_holds_a_secret(scan: Scan) -> None:
    assert [found for place, text in command_lines() for found in scan.of(place, text)] == []


async def test_no_page_and_no_refusal_holds_a_secret(system: LocalSystem, scan: Scan, city: Organisation) -> None:
    """Public pages, and refusals for faulty requests with a valid token."""
    token = {"authorization": f"Bearer {city.credential.token}"}
    event = city.event("initiative-registered", initiative())
    for url in system.services.urls().values():
        pages = [await request("GET", f"{url}{path}") for path in ("/metrics", "/readyz", "/v1/openapi.json", "/x")]
        refused = [
            await request("POST", f"{url}/v1/events", {**token, "content-type": kind}, body)
            for kind in (STRUCTURED, "text/plain", "application/json", "")
            for body in (b"", b"{", str(event).encode(), city.credential.password.encode())
        ]
        refused += [await request(method, f"{url}/v1/events", token) for method in ("GET", "PUT", "DELETE")]
        refused.append(await request("POST", f"{url}/v1/events", {"authorization": f"Bearer x{token}"}))
        assert all(said.status >= 400 for said in refused)
        for said in (*pages, *refused):
            told = b"\n".join([said.body, *(f"{name}: {value}".encode() for name, value in said.headers.items())])
            assert list(scan.of(f"HTTP {said.status} of {url}", told)) == []


def _segments(system: LocalSystem) -> Iterator[Path]:
    """The logs of all topics, without Kafka's internal topics."""
    return (file for file in system.home.kafka_data.glob("samenspel.*/*.log") if file.stat().st_size)
