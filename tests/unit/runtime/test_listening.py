"""The listening socket: an address that cannot be used is told with the setting that names it."""

import socket
from collections.abc import Iterator

import pytest
from samenspel.client.access.profile import KafkaAccess
from samenspel.runtime.listening import AddressUnavailable, listen
from samenspel.runtime.settings import ServiceSettings

from tests.support.settings import settings_of

LOOPBACK = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which another program listens."""
    with socket.create_server((LOOPBACK, 0)) as other:
        yield int(other.getsockname()[1])


def settings(port: int, **changes: object) -> ServiceSettings:
    access = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")
    return settings_of(access, http_port=port, **changes)


def test_a_free_port_is_listened_at(taken: int) -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = int(free.getsockname()[1])
    with listen(settings(port)) as listener:
        assert listener.getsockname() == (LOOPBACK, port)
        socket.create_connection((LOOPBACK, port), timeout=5).close()


def test_a_taken_port_is_told(taken: int) -> None:
    with pytest.raises(AddressUnavailable, match=rf"port {taken} is taken by another program.* SAMENSPEL_HTTP_PORT"):
        listen(settings(taken))


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_machine_is_told(host: str) -> None:
    with pytest.raises(AddressUnavailable, match="SAMENSPEL_HTTP_HOST") as caught:
        listen(settings(18_080, http_host=host))
    assert host not in str(caught.value)


def test_an_address_of_ipv6_is_listened_at() -> None:
    with listen(settings(18_081, http_host="::1")) as listener:
        assert listener.family == socket.AF_INET6
