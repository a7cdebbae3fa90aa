"""A webhook receiver for measurements, in a process of its own: accepts every delivery, and notes the arrival.

Prints its port. ``GET /arrivals`` returns the arrivals so far, each as submission id and Unix time, and forgets them.
"""

import asyncio
import re
import time

import orjson
from aiohttp import web

SUBMISSION = re.compile(rb'"submissionid":"([^"]*)"')


def application() -> web.Application:
    arrivals: list[tuple[str, float]] = []

    async def take(request: web.Request) -> web.Response:
        found = SUBMISSION.search(await request.read())
        arrivals.append((found[1].decode() if found else "", time.time()))
        return web.Response(status=204)

    async def tell(request: web.Request) -> web.Response:
        told = orjson.dumps(arrivals)
        arrivals.clear()
        return web.Response(body=told)

    app = web.Application()
    app.router.add_get("/arrivals", tell)
    app.router.add_post("/{subscription}", take)
    return app


async def main() -> None:
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
