"""Where a webhook may go: to the public internet, by every spelling of an address, and nowhere else."""

import asyncio
from ipaddress import ip_address
from socket import AF_INET
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver

from services.notifier.endpoints import addresses
from services.notifier.endpoints.addresses import (
    DNS_TRY_SECONDS,
    AddressRefused,
    GuardedResolver,
    is_allowed,
    parse,
)
from tests.support.waiting import eventually

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
    "2001::7f00:1",
    "2001:20::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "64:ff9b:1::7f00:1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "fec0::1",
    "fd00:ec2::254",
    "4000::1",
    "192.0.0.8",
    "192.88.99.1",
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


@pytest.mark.parametrize(
    "text",
    [
        "https://utrecht.example/hook?x=1",
        "https://93.184.215.14:8443/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
        "https://xn--bcher-kva.example/",
        "https://web_hook.utrecht.example./",
        f"https://{'x' * 63}.example/",
    ],
)
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
        "https://utrecht.example:22/",
        "https://utrecht.example:5432/",
        "https://utrecht.example:9093/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://utrecht.example/" + "x" * 1_000,
        "https://xn--/",
        "https://xn--zz--/",
        "https://utrecht..example/",
        "https://.example/",
        "https://-utrecht.example/",
        "https://utrecht-.example/",
        "https://ut%72echt.example/",
        "https://utrecht example/",
        f"https://{'x' * 64}.example/",
        "https://" + "x." * 130 + "example/",
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
    resolver._resolver = Names(*addresses)
    return resolver


async def test_name_with_any_internal_address_is_refused() -> None:
    assert [each["host"] for each in await guarded(*PUBLIC).resolve("utrecht.example", 443)] == PUBLIC
    with pytest.raises(AddressRefused):
        await guarded(PUBLIC[0], "169.254.169.254").resolve("utrecht.example", 443)


class NameServer(asyncio.DatagramProtocol):
    """A server of names on this machine: knows one name, and lets every other question wait for ever."""

    def __init__(self) -> None:
        self.unanswered: set[bytes] = set()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        """Question and answer after RFC 1035, section 4: a header of 12 bytes, then the name, type and class."""
        question = data[12:]
        name, kind = question.split(b"\0", 1)[0], question.split(b"\0", 1)[1][:2]
        if not name.startswith(b"\x07utrecht"):
            self.unanswered.add(name)
            return
        answers = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + ip_address(PUBLIC[0]).packed if kind == b"\0\x01" else b""
        counts = b"\0\x01" + (b"\0\x01" if answers else b"\0\0") + bytes(4)
        asked = question[: len(name) + 5]
        self.transport.sendto(data[:2] + b"\x81\x80" + counts + asked + answers, address)


async def test_slow_names_of_one_organisation_hold_up_nobody_elses() -> None:
    """More names than the loop has threads, each without an answer; then an honest one."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    resolver = GuardedResolver(local=False, nameservers=["127.0.0.1"], udp_port=port)
    slow = [asyncio.create_task(resolver.resolve(f"slow-{number}.example", 443)) for number in range(100)]
    try:
        await eventually(lambda: len(server.unanswered) == len(slow))
        async with asyncio.timeout(DNS_TRY_SECONDS):
            found = await resolver.resolve("utrecht.example", 443, AF_INET)
        assert [each["host"] for each in found] == [PUBLIC[0]]
        assert not any(task.done() for task in slow)
    finally:
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        await resolver.close()
        transport.close()


async def test_a_name_without_an_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "DNS_SECONDS_MAX", 0.2)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    resolver = GuardedResolver(local=False, nameservers=["127.0.0.1"], udp_port=port)
    with pytest.raises(TimeoutError):
        await resolver.resolve("slow.example", 443)
    await resolver.close()
    transport.close()
