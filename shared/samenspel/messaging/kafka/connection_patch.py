"""Patch for aiokafka: a write on a closing connection raises an error that aiokafka handles.

uvloop raises `RuntimeError` where asyncio raises nothing or an `OSError`. aiokafka handles `OSError` only
(aio-libs/aiokafka#1038); without the patch aiokafka's coordinator, fetcher or sender task ends for good.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

_send = AIOKafkaConnection.send


def send(self: Any, request: Any, expect_response: bool = True) -> Any:
    """Replacement of aiokafka's ``send``. Raises `KafkaConnectionError` also for a connection that is closing."""
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        if isinstance(error, KafkaError):
            raise
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


def patch_aiokafka() -> None:
    """Patch every connection of this process, because aiokafka offers no hook."""
    AIOKafkaConnection.send = send
