"""The use of limits: collected from memory and from the database, for the metrics."""

from typing import Any

from samenspel.runtime import metrics
from samenspel.runtime.limit_use import LimitUse
from samenspel.runtime.limits import HTTP_REQUESTS, STORED_BYTES

CITY = "00000099000000000344"


async def test_figures_of_memory_and_database_are_shown_with_the_configured_values() -> None:
    use, connection = LimitUse(), object()

    async def stored(given: Any) -> dict[str, float]:
        assert given is connection
        return {CITY: 1_000}

    use.add(STORED_BYTES, 5_000, stored)
    use.add_local(HTTP_REQUESTS, 16, lambda: {CITY: 2})
    await use.update(connection, [CITY])  # type: ignore[arg-type]  # no query is made
    for limit, value, figure in ((STORED_BYTES, 5_000, 1_000), (HTTP_REQUESTS, 16, 2)):
        assert metrics.LIMIT.labels(limit.name)._value.get() == value
        assert metrics.LIMIT_USE.labels(limit.name, CITY)._value.get() == figure
