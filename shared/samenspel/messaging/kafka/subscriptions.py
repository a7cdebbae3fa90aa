"""Subscriptions to Kafka topics through FastStream, in batches of raw records without parsing or acknowledgement.

FastStream provides the connection, the group and the lifecycle. FastStream's acknowledgement, parsing and per-message
path are not used, because they can lose messages. A batch of raw records costs a fortieth of single messages.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.security import SASLScram512

from samenspel.contracts.topics import INGRESS, Domain
from samenspel.messaging.kafka.assignor import RendezvousAssignor
from samenspel.messaging.kafka.consumer import RECORDS_MAX, OffsetResolver, PartitionConsumer
from samenspel.runtime import failpoints
from samenspel.runtime.settings import KAFKA_RETRY_MS, ServiceSettings

SESSION_MS: Final = 2_000
METADATA_MS: Final = 30_000
"""Between two requests for the metadata of all topics; `PartitionConsumer.refresh_topics` sends one at once."""
STOP_SECONDS_MAX: Final = 10
BatchHandler = Callable[[PartitionConsumer, Sequence[ConsumerRecord]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TopicSubscription:
    """Topics by name or by pattern, with the handler of their batches; ``role`` is the suffix of the group id."""

    role: str
    handle: BatchHandler
    topics: Sequence[str] = ()
    pattern: str | None = None


def ingress_pattern(domain: Domain) -> str:
    """Regular expression for the ingress topics of all organisations in this domain, including future ones."""
    return re.escape(f"{INGRESS}.{domain}.") + "[0-9]+"


async def subscribe(
    name: str,
    settings: ServiceSettings,
    subscriptions: Sequence[TopicSubscription],
    *,
    resolve_offsets: OffsetResolver,
    on_positioned: Callable[[TopicPartition, int], None],
) -> KafkaBroker:
    """Start a broker that passes every batch to its handler. Raises `KafkaError` when Kafka is unreachable.

    See `PartitionConsumer` for ``resolve_offsets`` and ``on_positioned``.
    """
    broker = _broker(name, settings)
    for each in subscriptions:
        _add_subscriber(broker, name, each)
    try:
        await broker.connect()
        config: Any = broker.config.broker_config
        callbacks: dict[str, Any] = {"resolve_offsets": resolve_offsets, "on_positioned": on_positioned}
        config.builder = partial(PartitionConsumer, **callbacks, **config.builder.keywords)
        failpoints.reached("subscriptions.start")
        await broker.start()
    except BaseException:
        await broker.stop()
        raise
    return broker


def consumers(broker: KafkaBroker) -> list[PartitionConsumer]:
    """The consumers of a started broker, one per subscription."""
    subscribers: Any = broker.subscribers
    return [each.consumer for each in subscribers if each.consumer is not None]


def _broker(name: str, settings: ServiceSettings) -> KafkaBroker:
    return KafkaBroker(
        settings.kafka_bootstrap,
        security=SASLScram512(
            username=settings.kafka_username,
            password=settings.kafka_password.get_secret_value(),
            ssl_context=settings.kafka_tls(),
        ),
        client_id=f"samenspel-{name}",
        consumer_only=True,
        allow_auto_create_topics=False,
        apply_types=False,
        metadata_max_age_ms=METADATA_MS,
        retry_backoff_ms=KAFKA_RETRY_MS,
        codec=RawCodec(),
        logger=None,
        graceful_timeout=STOP_SECONDS_MAX,
    )


def _add_subscriber(broker: KafkaBroker, name: str, subscription: TopicSubscription) -> None:
    subscriber = broker.subscriber(
        *subscription.topics,
        pattern=subscription.pattern,
        group_id=f"samenspel-{name}-{subscription.role}",
        batch=True,
        max_records=RECORDS_MAX,
        batch_timeout_ms=10,
        auto_offset_reset="none",
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=SESSION_MS // 4,
        partition_assignment_strategy=[RendezvousAssignor],
        isolation_level="read_committed",
        parser=parse,
    )

    @subscriber
    async def handle(records: Any) -> None:
        consumer: Any = subscriber.consumer
        await subscription.handle(consumer, records)


class RawCodec:
    """Codec that passes the raw records to the handler."""

    async def decode(self, message: Any) -> Any:
        return message.raw_message

    async def decode_batch(self, message: Any) -> Any:
        return message.raw_message

    async def encode(self, message: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        raise NotImplementedError("services publish through the journal")

    encode_batch = encode


async def parse(records: Sequence[ConsumerRecord]) -> KafkaMessage:
    """Wrap a batch without parsing, so without errors: FastStream's parser drops a batch for one non-UTF-8 header."""
    return KafkaMessage(
        raw_message=tuple(records),
        body=[],
        headers={},
        batch_headers=[],
        message_id="-",
        correlation_id="-",
        consumer=FAKE_CONSUMER,
    )
