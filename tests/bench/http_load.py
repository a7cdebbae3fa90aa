"""HTTP clients without overhead, in a process of their own: ``python -m tests.bench.http_load``.

The environment variable ``LOAD`` holds a `Load` as JSON. Each client keeps one connection, and sends the next request
when it has the answer. Raw protocols on uvloop, bodies from a template: a request costs the clients some
30 µs, so that the clients are not the bottleneck. The result is written to stdout as JSON: events a second and
milliseconds.
"""

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import uvloop

VARIABLE: Final = "LOAD"
CHANGES: Final = 4
"""Changes of each registered initiative, one after another."""
SUMMARY: Final = "Een laadplein met slimme sturing op netcapaciteit, opschaalbaar naar andere steden. " * 3
EVENT: Final = (
    b'{"specversion":"1.0","id":"%b","source":"urn:nld:oin:%b:systeem:bench","type":"nl.samenspel.initiative-%b.v1",'
    b'"time":"2026-11-24T10:11:12Z","datacontenttype":"application/json","data":{"initiative_id":"%b",'
    b'"title":"Slim laadplein %b","summary":"' + SUMMARY.encode() + b'","theme":"mobility",%b}}'
)
HEAD: Final = (
    "POST /v1/events HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: {type}\r\n"
    "content-length: "
)
TYPES: Final = {False: "application/cloudevents+json", True: "application/cloudevents-batch+json"}


@dataclass(frozen=True, slots=True)
class Load:
    """``tokens`` by OIN: client *n* is of organisation *n* modulo their number. ``events`` of one request.

    ``run`` makes the ids of a measurement its own. The first ``warm`` seconds are not measured.
    """

    url: str
    tokens: dict[str, str]
    clients: int
    events: int
    run: int
    warm: float = 1.0
    seconds: float = 4.0


@dataclass(slots=True)
class Result:
    """Answers after the warm-up."""

    begin: float
    end: float
    events: int = 0
    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    def add(self, asked: float, events: int, is_accepted: bool) -> None:
        now = time.perf_counter()
        if self.begin <= now < self.end:
            self.events += events if is_accepted else 0
            self.refused += not is_accepted
            self.seconds.append(now - asked)


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load: Load, number: int, result: Result) -> None:
        self._load, self._number, self._result = load, number, result
        self._oin = list(load.tokens)[number % len(load.tokens)]
        target = {"host": urlsplit(load.url).netloc, "token": load.tokens[self._oin], "type": TYPES[load.events > 1]}
        self._head = HEAD.format(**target).encode()
        self._sent = 0
        self._received = b""
        self._wanted = 0
        self._asked = 0.0

    def itself(self) -> "Client":
        return self

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._wanted:
            head, end, _ = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._wanted = len(head) + 4 + int(length)
        if len(self._received) >= self._wanted:
            self._answered()

    def _answered(self) -> None:
        accepted = self._received.count(b'"outcome":"accepted"')
        self._result.add(self._asked, self._load.events, accepted == self._load.events)
        if accepted != self._load.events and not self._result.refused % 100:
            print(self._received[:600], file=sys.stderr)
        if time.perf_counter() < self._result.end:
            self._send()
        else:
            self._transport.close()

    def _send(self) -> None:
        body = b",".join([self._event() for _ in range(self._load.events)])
        if self._load.events > 1:
            body = b"[" + body + b"]"
        self._received, self._wanted, self._asked = b"", 0, time.perf_counter()
        self._transport.write(self._head + b"%d\r\n\r\n" % len(body) + body)

    def _event(self) -> bytes:
        """A new initiative, and then its changes."""
        turn, self._sent = self._sent, self._sent + 1
        initiative = b"%08x-0000-4000-8%03x-%012x" % (self._load.run, self._number, turn // (CHANGES + 1))
        version = turn % (CHANGES + 1)
        kind, rest = (
            (b"changed", b'"based_on_version":%d' % version) if version else (b"registered", b'"phase":"pilot"')
        )
        id = b"%d-%d-%d" % (self._load.run, self._number, turn)
        return EVENT % (id, self._oin.encode(), kind, initiative, id, rest)


async def measure(load: Load) -> dict[str, float]:
    now = time.perf_counter()
    result = Result(now + load.warm, now + load.warm + load.seconds)
    where = urlsplit(load.url)
    clients = [Client(load, number, result) for number in range(load.clients)]
    for client in clients:
        await asyncio.get_running_loop().create_connection(client.itself, where.hostname or "", where.port or 0)
    await asyncio.sleep(max(0.0, result.end - time.perf_counter()))
    taken = sorted(result.seconds) or [0.0]
    return {
        "per_second": result.events / load.seconds,
        "p50": taken[len(taken) // 2] * 1_000,
        "p99": taken[len(taken) * 99 // 100] * 1_000,
        "refused": result.refused,
        "cpu": sum(os.times()[:2]),
    }


def main() -> None:
    load = Load(**orjson.loads(os.environ[VARIABLE]))
    print(orjson.dumps(uvloop.run(measure(load))).decode())


if __name__ == "__main__":
    main()
