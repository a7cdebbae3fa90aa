"""Quotas of Kafka users, by the request AlterClientQuotas, which neither client library offers.

Uses aiokafka's protocol types: API key 49, version 0 (KIP-546).
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from typing import Any, ClassVar, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from samenspel.client.admin.access_policy import Quota

API: Final = 49
_ENTITY: Final = Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))


class _Altered(Response):  # type: ignore[misc]  # aiokafka is not typed
    API_KEY = API
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", String("utf-8")), ("entity", _ENTITY))),
    )


class _Alter(RequestStruct):  # type: ignore[misc]
    API_KEY = API
    API_VERSION = 0
    RESPONSE_TYPE = _Altered
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", _ENTITY),
                ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class _AlterRequest(Request[_Alter]):  # type: ignore[misc]
    API_KEY: ClassVar[int] = API

    def __init__(self, user: str, operations: Sequence[tuple[str, float, bool]]) -> None:
        self._entries = [([("user", user)], operations)]

    def build(self, request_struct_class: type[_Alter]) -> _Alter:
        return request_struct_class(self._entries, False)


def set_quotas(access: Mapping[str, Any], user: str, quota: Quota | None) -> None:
    """Set the limits of the user, counted by each broker separately; None removes the limits.

    `access` are the connection settings of AIOKafkaClient. Raises aiokafka's KafkaError. The request runs on a new
    event loop in a new thread, so callers with and without an event loop may call this function.
    """
    limits = asdict(quota) if quota else dict.fromkeys((each.name for each in fields(Quota)), 0)
    request = _AlterRequest(user, [(name, float(limit), quota is None) for name, limit in limits.items()])
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(lambda: asyncio.run(_send(access, request))).result()


async def _send(access: Mapping[str, Any], request: _AlterRequest) -> None:
    client = AIOKafkaClient(**access)
    try:
        await client.bootstrap()
        answer = await client.send(client.get_random_node(), request)
        for code, message, _ in answer.entries:
            if code != 0:
                raise for_code(code)(message)
    finally:
        await client.close()
