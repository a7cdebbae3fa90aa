"""A hostile organisation in a storm: floods of every entry point, in separate processes, until the judgement."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import orjson

from tests.bench.flood import VARIABLE
from tests.faults.storm.harness import Stage
from tests.support.organisations import Organisation

CLIENTS: Final = 8
PAUSE_SECONDS: Final = 0.05
"""Between two requests of a client: a storm tests limits and recovery, not the speed of a processor."""
KINDS: Final = {"registry": ("refusals", "reads", "kafka"), "notifier": ("long-polls", "webhooks")}
"""Kinds of flood, by the service that receives it."""


@asynccontextmanager
async def hostile(stage: Stage, organisation: Organisation) -> AsyncIterator[None]:
    """Flood until the end of the block. A flood that ends earlier is an error."""
    kinds = [kind for service, some in KINDS.items() if stage.of(service) for kind in some]  # type: ignore[arg-type]
    floods = {kind: _start(kind, _given(stage, organisation)) for kind in kinds}
    try:
        yield
        ended = [kind for kind, process in floods.items() if process.poll() is not None]
        assert not ended, f"floods that have ended: {ended}"
    finally:
        for process in floods.values():
            process.send_signal(signal.SIGKILL)
        await asyncio.gather(*(asyncio.to_thread(process.wait) for process in floods.values()))


def _given(stage: Stage, organisation: Organisation) -> str:
    urls = {each.service: each.url for each in reversed(stage.instances)}
    given = {
        "oin": organisation.oin,
        "token": organisation.credential.token,
        "registry": urls["registry"],
        "notifier": urls.get("notifier", ""),
        "kafka": organisation.kafka,
        "clients": CLIENTS,
        "pause_seconds": PAUSE_SECONDS,
    }
    return orjson.dumps(given).decode()


def _start(kind: str, given: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.bench.flood", kind]
    return subprocess.Popen(command, env={**os.environ, VARIABLE: given}, stderr=subprocess.DEVNULL)
