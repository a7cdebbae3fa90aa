"""The relay's producer: kept while working, discarded after an error."""

from typing import Any

import pytest
from samenspel.messaging.kafka import producer
from samenspel.messaging.kafka.producer import Producer


class Client:
    """Starts, fails or hangs as a test wants."""

    made: list["Client"]
    fails = False
    stop_fails = False

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.stopped = 0
        Client.made.append(self)

    async def start(self) -> None:
        if self.fails:
            raise ConnectionRefusedError

    async def stop(self) -> None:
        self.stopped += 1
        if self.stop_fails:
            raise RuntimeError


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    monkeypatch.setattr(Client, "made", [], raising=False)
    monkeypatch.setattr(producer, "AIOKafkaProducer", Client)
    return Client


async def test_producer_is_started_once_and_waits_for_all_replicas() -> None:
    made = Producer({"bootstrap_servers": "x"})
    assert await made.connected() is await made.connected()
    [one] = Client.made
    assert (one.settings["acks"], one.settings["enable_idempotence"]) == ("all", True)


async def test_producer_that_cannot_start_is_stopped_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Producer({})
    monkeypatch.setattr(Client, "fails", True)
    with pytest.raises(ConnectionRefusedError):
        await made.connected()
    assert Client.made[0].stopped == 1
    monkeypatch.setattr(Client, "fails", False)
    assert await made.connected() is Client.made[1]  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("stop_fails", [False, True])
async def test_discarded_producer_is_replaced_whether_it_stops_or_not(
    stop_fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "stop_fails", stop_fails)
    made = Producer({})
    first = await made.connected()
    await made.discard()
    await made.discard()
    assert Client.made[0].stopped == 1
    assert await made.connected() is not first
