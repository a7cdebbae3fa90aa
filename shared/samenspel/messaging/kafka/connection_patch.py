"""Writing to Kafka over a connection that is closing: an error that aiokafka understands.

uvloop raises `RuntimeError` where asyncio raises nothing or an `OSError`; aiokafka expects the latter only
(aio-libs/aiokafka#1038), and its coordination, fetching or sending ends for good.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

_send = AIOKafkaConnection.send


def send(self: Any, request: Any, expect_response: bool = True) -> Any:
    """As aiokafka's own. Raises `KafkaConnectionError` also when the connection was closed a moment ago."""
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        if isinstance(error, KafkaError):
            raise
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


def patch_aiokafka() -> None:
    """For every connection of this process: aiokafka has no other place for it."""
    AIOKafkaConnection.send = send
