"""The limits that every service applies: concurrent requests, database connections, deferrals and stored bytes."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

from samenspel.messaging.inbox import due_deferrals
from samenspel.messaging.service.runtime import ServiceRuntime
from samenspel.runtime import limits
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.limit_use import LimitUse
from samenspel.runtime.settings import ServiceSettings

REQUEST_SECONDS_MAX: Final = 5.0
"""Longest wait of a request above the limit on concurrent requests."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """The limit on ``requests``, and the present ``use`` of all limits."""

    requests: ConcurrencyLimit
    use: LimitUse

    @classmethod
    def of(cls, settings: ServiceSettings, pool: Any, runtime: ServiceRuntime) -> Self:
        """``pool`` is a `FairPool`."""
        requests = ConcurrencyLimit(limits.HTTP_REQUESTS, settings.limit_http_requests, REQUEST_SECONDS_MAX)
        use = LimitUse()
        use.add_local(limits.HTTP_REQUESTS, settings.limit_http_requests, requests.use)
        use.add_local(limits.HTTP_SUBMISSIONS, settings.limit_http_submissions, runtime.submitter.turns.use)
        use.add_local(limits.DATABASE_CONNECTIONS, settings.limit_database_percent, pool.share.use)
        deferrals_of = partial(due_deferrals.count_by_organisation, limit=settings.limit_deferrals)
        use.add(limits.DEFERRED_SUBMISSIONS, settings.limit_deferrals, deferrals_of)
        use.add(limits.STORED_BYTES, settings.limit_stored_bytes, runtime.processor.storage.use)
        return cls(requests, use)
