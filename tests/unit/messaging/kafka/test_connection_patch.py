"""A write to a just closed connection is an error known to aiokafka."""

from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest
from samenspel.messaging.kafka import connection_patch


class Closing:
    """A writer over a closed uvloop transport."""

    def write(self, _: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


async def test_write_to_a_closed_transport_is_a_connection_error() -> None:
    connection_patch.patch_aiokafka()
    connection: Any = AIOKafkaConnection("127.0.0.1", 1)
    connection._writer = Closing()
    connection._versions = {MetadataRequest.API_KEY: (0, 5)}
    with pytest.raises(KafkaConnectionError, match="handler is closed"):
        connection.send(MetadataRequest([]))


async def test_errors_of_aiokafka_itself_are_unchanged() -> None:
    connection_patch.patch_aiokafka()
    connection: Any = AIOKafkaConnection("127.0.0.1", 1)
    connection._writer, connection._versions = Closing(), {}
    with pytest.raises(IncompatibleBrokerVersion):
        connection.send(MetadataRequest([]))
