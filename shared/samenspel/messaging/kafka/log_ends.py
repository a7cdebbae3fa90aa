"""The present ends of all canonical lanes in Kafka."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from samenspel.contracts.topics import CANONICAL, LaneId
from samenspel.messaging.errors import LogEndsUnavailable
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.runtime.settings import ServiceSettings

ANSWER_SECONDS_MAX: Final = 1.5
"""Below the idle time of a transaction (2 s): a decision asks in its transaction."""


class LogEnds:
    """Asks Kafka. The connection is made at the first question."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._reader: LogReader | None = None

    async def __call__(self, seconds: float = ANSWER_SECONDS_MAX) -> Mapping[LaneId, int]:
        """Offset of the next record, by lane. A lane that does not exist yet is absent.

        Raises `LogEndsUnavailable` if Kafka does not answer within ``seconds``.
        """
        if self._reader is None:
            self._reader = LogReader(self._settings.kafka())
        lanes = [TopicPartition(topic, lane) for topic in CANONICAL for lane in range(self._settings.lanes)]
        try:
            async with asyncio.timeout(seconds):
                ends = await self._reader.end_offsets(lanes)
        except (KafkaError, OSError) as error:
            raise LogEndsUnavailable(LogEndsUnavailable.__doc__) from error
        return {(each.topic, each.partition): end for each, end in ends.items()}

    async def close(self) -> None:
        if self._reader is not None:
            await self._reader.close()
