"""The limits that every service applies, with the settings of the service."""

from types import SimpleNamespace
from typing import Any

from samenspel.client.access.profile import KafkaAccess
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.service.service_limits import ServiceLimits
from samenspel.runtime import metrics
from samenspel.runtime.concurrency_limit import ConcurrencyLimit, FairShare
from samenspel.runtime.limits import DATABASE_CONNECTIONS, HTTP_SUBMISSIONS

from tests.support.settings import settings_of

KAFKA = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")


async def test_settings_are_applied_and_shown() -> None:
    settings = settings_of(KAFKA, limit_http_requests=3, limit_database_percent=40, limit_stored_bytes=9_000)
    pool = SimpleNamespace(share=FairShare(DATABASE_CONNECTIONS, 6, 40, 1))
    turns = ConcurrencyLimit(HTTP_SUBMISSIONS, 4, 1)
    runtime: Any = SimpleNamespace(
        processor=SimpleNamespace(storage=StorageBudget(9_000)), submitter=SimpleNamespace(turns=turns)
    )
    limits = ServiceLimits.of(settings, pool, runtime)
    async with limits.requests.slot("one"), limits.requests.slot("one"), limits.requests.slot("one"):
        assert limits.requests.use() == {"one": 3}
    shown = {name: metrics.LIMIT.labels(name)._value.get() for name in ("http-requests", "stored-bytes")}
    assert shown == {"http-requests": 3, "stored-bytes": 9_000}
    assert metrics.LIMIT.labels("database-connections")._value.get() == 40
