"""Kafka's own requests, sent as a given user: the broker's answer counts, not a client's interpretation.

Versions and fields follow Apache Kafka's protocol guide: of each request the last version without tagged fields.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Bytes, Float64, Int8, Int16, Int32, Int64, Schema, String

TEXT = String("utf-8")


class Rows(Array):  # type: ignore[misc]  # aiokafka is not typed
    """An array of structures, read as objects with these attributes."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(fields_of(**fields))

    def decode(self, data: BytesIO) -> list[SimpleNamespace]:
        names = self.array_of.names
        return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in super().decode(data) or ()]


class Question(Request[RequestStruct]):  # type: ignore[misc]
    """A request with these values, in the version of this kind."""

    API_KEY = -1

    def __init__(self, kind: type[RequestStruct], *values: Any) -> None:
        self._kind = kind
        self._values = values

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> RequestStruct:
        return self.build(self._kind)

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        return request_struct_class(*self._values)


class Speaker:
    """A user's connection to the broker."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def ask(self, kind: type[RequestStruct], *values: Any) -> Any:
        return await self._client.send(self._client.get_random_node(), Question(kind, *values))


@asynccontextmanager
async def speaking_as(kafka: Mapping[str, Any]) -> AsyncIterator[Speaker]:
    """`kafka` holds aiokafka's connection settings. Raises KafkaConnectionError when the user is not let in."""
    client = AIOKafkaClient(**kafka)
    try:
        await client.bootstrap()
        yield Speaker(client)
    finally:
        await client.close()


def fields_of(**fields: Any) -> Schema:
    return Schema(*fields.items())


def kind(api: int, version: int, asked: Schema, answered: Schema) -> type[RequestStruct]:
    """A request missing in aiokafka."""
    identity = {"API_KEY": api, "API_VERSION": version}
    answer = type("Answer", (Response,), {**identity, "SCHEMA": answered})
    return type("Asked", (RequestStruct,), {**identity, "SCHEMA": asked, "RESPONSE_TYPE": answer})


METADATA = kind(
    3,
    8,
    fields_of(topics=Array(TEXT), create=Boolean, cluster_rights=Boolean, topic_rights=Boolean),
    fields_of(
        throttle_ms=Int32,
        brokers=Rows(id=Int32, host=TEXT, port=Int32, rack=TEXT),
        cluster=TEXT,
        controller=Int32,
        topics=Rows(
            error=Int16,
            name=TEXT,
            internal=Boolean,
            partitions=Rows(
                error=Int16,
                partition=Int32,
                leader=Int32,
                epoch=Int32,
                replicas=Array(Int32),
                in_sync=Array(Int32),
                offline=Array(Int32),
            ),
            rights=Int32,
        ),
        cluster_rights=Int32,
    ),
)
FETCH = kind(
    1,
    4,
    fields_of(
        replica=Int32,
        wait_ms=Int32,
        bytes_min=Int32,
        bytes_max=Int32,
        isolation=Int8,
        topics=Rows(name=TEXT, partitions=Rows(partition=Int32, offset=Int64, bytes_max=Int32)),
    ),
    fields_of(
        throttle_ms=Int32,
        topics=Rows(
            name=TEXT,
            partitions=Rows(
                partition=Int32,
                error=Int16,
                end=Int64,
                stable=Int64,
                aborted=Rows(producer=Int64, offset=Int64),
                records=Bytes,
            ),
        ),
    ),
)
PRODUCE = kind(
    0,
    3,
    fields_of(
        transaction=TEXT,
        acks=Int16,
        within_ms=Int32,
        topics=Rows(name=TEXT, partitions=Rows(partition=Int32, records=Bytes)),
    ),
    fields_of(
        topics=Rows(name=TEXT, partitions=Rows(partition=Int32, error=Int16, offset=Int64, time=Int64)),
        throttle_ms=Int32,
    ),
)
CREATE_TOPICS = kind(
    19,
    2,
    fields_of(
        topics=Rows(
            name=TEXT,
            partitions=Int32,
            replicas=Int16,
            assignments=Rows(partition=Int32, brokers=Array(Int32)),
            configs=Rows(name=TEXT, value=TEXT),
        ),
        within_ms=Int32,
        only_check=Boolean,
    ),
    fields_of(throttle_ms=Int32, topics=Rows(name=TEXT, error=Int16, message=TEXT)),
)
ALTER_CONFIGS = kind(
    44,
    0,
    fields_of(
        resources=Rows(type=Int8, name=TEXT, configs=Rows(name=TEXT, operation=Int8, value=TEXT)), only_check=Boolean
    ),
    fields_of(throttle_ms=Int32, resources=Rows(error=Int16, message=TEXT, type=Int8, name=TEXT)),
)
DELETE_RECORDS = kind(
    21,
    0,
    fields_of(topics=Rows(name=TEXT, partitions=Rows(partition=Int32, before=Int64)), within_ms=Int32),
    fields_of(throttle_ms=Int32, topics=Rows(name=TEXT, partitions=Rows(partition=Int32, start=Int64, error=Int16))),
)
HEARTBEAT = kind(
    12, 1, fields_of(group=TEXT, generation=Int32, member=TEXT), fields_of(throttle_ms=Int32, error=Int16)
)
DESCRIBE_GROUPS = kind(
    15,
    0,
    fields_of(groups=Array(TEXT)),
    fields_of(
        groups=Rows(
            error=Int16,
            name=TEXT,
            state=TEXT,
            type=TEXT,
            protocol=TEXT,
            members=Rows(id=TEXT, client=TEXT, host=TEXT, metadata=Bytes, assignment=Bytes),
        )
    ),
)
DELETE_GROUPS = kind(
    42, 0, fields_of(groups=Array(TEXT)), fields_of(throttle_ms=Int32, groups=Rows(name=TEXT, error=Int16))
)
INIT_PRODUCER = kind(
    22,
    0,
    fields_of(transaction=TEXT, within_ms=Int32),
    fields_of(throttle_ms=Int32, error=Int16, producer=Int64, epoch=Int16),
)
CREATE_ACLS = kind(
    30,
    1,
    fields_of(
        rights=Rows(
            resource=Int8, name=TEXT, pattern=Int8, principal=TEXT, host=TEXT, operation=Int8, permission=Int8
        )
    ),
    fields_of(throttle_ms=Int32, results=Rows(error=Int16, message=TEXT)),
)
DESCRIBE_QUOTAS = kind(
    48,
    0,
    fields_of(components=Rows(type=TEXT, match=Int8, name=TEXT), strict=Boolean),
    fields_of(
        throttle_ms=Int32,
        error=Int16,
        message=TEXT,
        entries=Rows(entity=Rows(type=TEXT, name=TEXT), values=Rows(key=TEXT, value=Float64)),
    ),
)
