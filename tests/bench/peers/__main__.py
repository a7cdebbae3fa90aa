"""One peer as a process; the environment variable of `Wanted` has the task."""

import uvloop

from tests.bench.peers import batch, per_message
from tests.bench.peers.program import Poller, Wanted, open_pool


async def run(wanted: Wanted) -> None:
    pool = await open_pool(wanted)
    poller = Poller(pool, wanted.kafka, 100 if wanted.peer == "single" else 500, gather=wanted.peer != "single")
    broker = wanted.broker()
    (batch if wanted.peer == "batch" else per_message).subscribe(broker, wanted, poller)
    async with broker:
        await broker.start()
        await poller.run()


if __name__ == "__main__":
    uvloop.run(run(Wanted.read()))
