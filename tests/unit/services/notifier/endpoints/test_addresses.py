"""Where a webhook may go: to the public internet, by every spelling of an address, and nowhere else."""

from ipaddress import ip_address
from socket import AF_INET
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver

from services.notifier.endpoints.addresses import AddressRefused, GuardedResolver, is_allowed, parse

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
    "fc00::1",
    "fe80::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), local=False)


@pytest.mark.parametrize("address", INSIDE)
def test_internal_address_is_refused(address: str) -> None:
    assert not is_allowed(ip_address(address), local=False)


@pytest.mark.parametrize("address", INSIDE)
def test_local_system_also_allows_its_own_machine_only(address: str) -> None:
    here = address in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
    assert is_allowed(ip_address(address), local=True) == here


@pytest.mark.parametrize("text", ["https://utrecht.example/hook?x=1", "https://93.184.215.14:8443/"])
def test_https_url_is_accepted(text: str) -> None:
    assert str(parse(text, local=False)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "utrecht.example",
        "//utrecht.example/",
        "http://utrecht.example/",
        "ftp://utrecht.example/",
        "file:///etc/passwd",
        "https://",
        "https://user:pass@utrecht.example/",
        "https://utrecht.example/#part",
        "https://utrecht.example:99999/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://utrecht.example/" + "x" * 1_000,
    ],
)
def test_other_url_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        parse(text, local=False)


def test_local_system_may_call_its_own_machine_without_tls() -> None:
    assert parse("http://127.0.0.1:9000/", local=True).port == 9_000
    with pytest.raises(AddressRefused):
        parse("http://10.0.0.1:9000/", local=True)


class Names(AbstractResolver):
    """Resolves every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = AF_INET) -> list[Any]:
        return [
            {"hostname": host, "host": address, "port": port, "family": AF_INET, "proto": 0, "flags": 0}
            for address in self._addresses
        ]

    async def close(self) -> None: ...


def guarded(*addresses: str) -> GuardedResolver:
    resolver = GuardedResolver(local=False)
    resolver._resolver = Names(*addresses)  # type: ignore[assignment]  # stands in for the system's resolver
    return resolver


async def test_name_with_any_internal_address_is_refused() -> None:
    assert [each["host"] for each in await guarded(*PUBLIC).resolve("utrecht.example", 443)] == PUBLIC
    with pytest.raises(AddressRefused):
        await guarded(PUBLIC[0], "169.254.169.254").resolve("utrecht.example", 443)
