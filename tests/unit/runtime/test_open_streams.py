"""Open streams: the time that a wait may take, and the end of a wait."""

import asyncio

from samenspel.runtime.open_streams import ANSWER_SECONDS_MAX, EXTENSION, OpenStream, stream_of
from samenspel.runtime.wakeup import Wakeup


def test_stream_is_passed_in_the_scope_of_the_request() -> None:
    stream = OpenStream()
    assert stream_of({"extensions": {EXTENSION: {"stream": stream}}}) is stream
    assert stream_of({}) is not stream_of({}), "a server without the extension"


def test_wait_is_allowed_besides_the_usual_time_for_an_answer() -> None:
    deadlines: list[float] = []
    stream = OpenStream(deadlines.append)
    stream.begin(900)
    stream.end()
    assert deadlines == [900 + ANSWER_SECONDS_MAX, ANSWER_SECONDS_MAX]


async def test_wait_ends_at_a_notification_in_time_and_with_the_stream() -> None:
    wakeup, stream = Wakeup(), OpenStream()
    ticket = wakeup.next_ticket
    assert not await stream.wait(ticket, 0.01)
    wakeup.notify()
    assert await stream.wait(ticket, 60)
    waiting = asyncio.create_task(stream.wait(wakeup.next_ticket, 60))
    await asyncio.sleep(0)
    stream.ended = True
    assert not await waiting
    assert not await stream.wait(ticket, 60)
