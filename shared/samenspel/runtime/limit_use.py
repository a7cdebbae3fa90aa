"""Present use of the limits by organisation, for the metrics."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from samenspel.runtime.limits import Limit
from samenspel.runtime.metrics import LIMIT, set_admitted_organisations, set_limit_use
from samenspel.runtime.postgres import Connection

Use = Mapping[str, float]
"""Figure by OIN, in the unit of the limit."""


class LimitUse:
    """The sources of the figures: one for each limit with a setting."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[Connection], Awaitable[Use]]] = {}

    def add(self, limit: Limit, value: int, source: Callable[[Connection], Awaitable[Use]]) -> None:
        """Show ``value`` as the configured value of ``limit``, and the figures of ``source`` as the present use."""
        LIMIT.labels(limit.name).set(value)
        self._sources[limit.name] = source

    def add_local(self, limit: Limit, value: int, source: Callable[[], Use]) -> None:
        """As `add`, for figures of this instance in memory."""

        async def local(_: Connection) -> Use:
            return source()

        self.add(limit, value, local)

    async def update(self, connection: Connection, admitted: Iterable[str]) -> None:
        """Update the metrics. The labels are bounded by the ``admitted`` organisations."""
        use = {name: await source(connection) for name, source in self._sources.items()}
        set_admitted_organisations(admitted)
        set_limit_use(use)
