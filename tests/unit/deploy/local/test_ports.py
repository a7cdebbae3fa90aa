"""Ports of the local system: chosen, remembered, given."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.errors import EnvironmentUnavailable
from deploy.local.ports import LOOPBACK, PORT_RANGE, Ports


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    return Ports(tmp_path / "ports.json")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_chosen_port_is_remembered(ports: Ports) -> None:
    port = ports.claim("kafka")
    assert port in PORT_RANGE
    assert ports.remembered("kafka") == port == ports.claim("kafka")
    assert ports.remembered("postgres") is None


def test_two_listeners_never_share_a_port(ports: Ports) -> None:
    assert ports.claim("kafka") != ports.claim("kafka_controller")


def test_given_port_replaces_the_remembered_one(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    free = ports.claim("kafka")
    monkeypatch.setenv("SAMENSPEL_POSTGRES_PORT", str(free))
    assert ports.claim("postgres") == free


def test_remembered_port_that_is_taken_is_replaced(ports: Ports) -> None:
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, ports.claim("kafka")))
        stranger.listen()
        assert ports.claim("kafka") != stranger.getsockname()[1]


def test_given_port_that_is_taken_is_an_error(ports: Ports, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMENSPEL_KAFKA_PORT", str(taken))
    with pytest.raises(EnvironmentUnavailable, match=f"port {taken} for kafka is used .* SAMENSPEL_KAFKA_PORT"):
        ports.claim("kafka")


def test_given_port_that_is_no_port_is_an_error(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMENSPEL_KAFKA_PORT", "kafka")
    with pytest.raises(EnvironmentUnavailable, match="from 1 to 65535"):
        ports.claim("kafka")
