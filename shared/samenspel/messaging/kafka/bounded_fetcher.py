"""aiokafka's fetcher with a bound on the bytes that wait in memory, over all partitions together.

aiokafka fetches for every partition without waiting records, up to the limit per partition: with hundreds of
organisations the sum has no limit. Here the limit per partition shrinks as the memory fills, so that each partition
still gets its turn, and no fetch is sent above twice the bound.
"""

from collections.abc import Iterable
from typing import Any, Final

from aiokafka.consumer import consumer
from aiokafka.consumer.fetcher import Fetcher, OffsetResetStrategy

from samenspel.messaging.kafka.record_batches import SafeMemoryRecords

BUFFERED_BYTES: Final = 32 * 1_048_576
"""Bytes of fetched records in memory above which a fetch brings little. No fetch is sent at twice this number."""
FETCH_BYTES_MAX: Final = 8 * 1_048_576
"""Bytes of one fetch response."""
PARTITION_BYTES: Final = range(65_536, 2_097_152 + 1)
"""Bytes per partition and fetch: least and most. Kafka returns a larger batch whole if it comes first."""
SHARES: Final = 8
"""Number of partitions that may share the remaining bytes."""


class BoundedFetcher(Fetcher):  # type: ignore[misc]  # aiokafka has no types
    """Replaces aiokafka's ``Fetcher``."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{**settings, "fetch_max_bytes": FETCH_BYTES_MAX})

    def _get_actions_per_node(self, assignment: Any) -> tuple[Any, ...]:
        buffered = buffered_bytes(self._records.values())
        share = (BUFFERED_BYTES - buffered) // SHARES
        self._max_partition_fetch_bytes = min(max(share, PARTITION_BYTES[0]), PARTITION_BYTES[-1])
        if self._default_reset_strategy == OffsetResetStrategy.NONE:
            assignment = _Positioned(assignment)
        requests, *others = super()._get_actions_per_node(assignment)
        return [] if buffered >= 2 * BUFFERED_BYTES else requests, *others


class _Positioned:
    """The partitions of an assignment that have a position.

    aiokafka asks for the committed offset and for the first offset of all other partitions. A consumer that never
    resets an offset seeks itself: both requests, and a fetch from the first offset, would be in vain.
    """

    def __init__(self, assignment: Any) -> None:
        self.state_value = assignment.state_value
        self.tps = [each for each in assignment.tps if self.state_value(each).has_valid_position]


def buffered_bytes(results: Iterable[Any]) -> int:
    """Bytes that fetched, not yet consumed results hold in memory."""
    responses = filter(None, map(memory_of, results))
    return sum(each.size_in_bytes() + each.decompressed_bytes for each in responses)


def memory_of(result: Any) -> SafeMemoryRecords | None:
    """The batches of a fetch result of aiokafka; None for an error, or for a result that was consumed."""
    records = getattr(getattr(result, "_partition_records", None), "_records", None)
    return records if isinstance(records, SafeMemoryRecords) else None


def patch_aiokafka() -> None:
    """Make every consumer of this process use this fetcher, because aiokafka offers no hook."""
    consumer.Fetcher = BoundedFetcher
