"""Open streams: requests that wait for an event, longer than the limit on the time of an answer allows.

The server passes an `OpenStream` to the application in the scope of the request, as an ASGI extension.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from samenspel.runtime.wakeup import WakeupTicket

EXTENSION: Final = "samenspel.open_stream"
ANSWER_SECONDS_MAX: Final = 90.0
"""Time from the complete request, or from the end of a wait, until the client has received the whole response."""
CHECK_SECONDS: Final = 0.5
"""Longest time until a wait ends after the client has left or the server stops."""


def _nothing() -> object:
    """No request waits in a queue."""


@dataclass(slots=True)
class OpenStream:
    """A request that waits. ``set_deadline`` limits the remaining time of the request, in seconds."""

    set_deadline: Callable[[float], None] = lambda seconds: None
    ended: bool = False
    """Whether the client has closed the connection, or the server stops."""
    queue: str | None = None
    """The organisation for whose slot the request waits; nothing has begun yet."""
    leave_queue: Callable[[], object] = _nothing
    """Ends the wait for a slot: the client has left."""

    def enter_queue(self, organisation: str, leave: Callable[[], object]) -> None:
        """The request waits for a slot of the organisation; ``leave`` ends the wait."""
        self.queue, self.leave_queue = organisation, leave

    def end_queue(self) -> None:
        self.queue, self.leave_queue = None, _nothing

    def begin(self, seconds: float) -> None:
        """Allow a wait of this length before the answer."""
        self.set_deadline(seconds + ANSWER_SECONDS_MAX)

    def end(self) -> None:
        """The answer follows."""
        self.set_deadline(ANSWER_SECONDS_MAX)

    async def wait(self, ticket: WakeupTicket, seconds: float) -> bool:
        """Wait for the ticket's notification, at most ``seconds``. False after that time or when the stream ended."""
        while seconds > 0 and not self.ended:
            step = min(seconds, CHECK_SECONDS)
            if await ticket.wait(step):
                return True
            seconds -= step
        return False


def stream_of(scope: Any) -> OpenStream:
    """The stream of a request with this ASGI scope. A server without the extension sets no deadlines."""
    found = scope.get("extensions", {}).get(EXTENSION, {}).get("stream")
    return found if isinstance(found, OpenStream) else OpenStream()
