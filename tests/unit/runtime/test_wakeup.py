"""Wake-ups within a process: none is missed between taking a ticket and waiting."""

import asyncio

from samenspel.runtime.wakeup import Wakeup

LONG_SECONDS = 60


async def test_notification_after_the_ticket_was_taken_ends_the_wait() -> None:
    wakeup = Wakeup()
    ticket = wakeup.next_ticket
    wakeup.notify()
    async with asyncio.timeout(LONG_SECONDS / 2):
        await ticket.wait(LONG_SECONDS)


async def test_notification_wakes_every_waiting_task() -> None:
    wakeup = Wakeup()
    waiting = [asyncio.create_task(wakeup.next_ticket.wait(LONG_SECONDS)) for _ in range(3)]
    await asyncio.sleep(0)
    wakeup.notify()
    async with asyncio.timeout(LONG_SECONDS / 2):
        await asyncio.gather(*waiting)


async def test_ticket_taken_after_a_notification_waits_for_the_next_one() -> None:
    wakeup = Wakeup()
    wakeup.notify()
    ticket = wakeup.next_ticket
    waiting = asyncio.create_task(ticket.wait(LONG_SECONDS))
    await asyncio.sleep(0)
    assert not waiting.done()
    wakeup.notify()
    await waiting


async def test_wait_without_a_notification_ends_after_its_time() -> None:
    await Wakeup().next_ticket.wait(0)
