"""The bytes of waiting records are bounded over all partitions together, and every partition keeps its turn."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import consumer
from aiokafka.consumer.fetcher import Fetcher, OffsetResetStrategy
from samenspel.messaging.kafka import bounded_fetcher
from samenspel.messaging.kafka.bounded_fetcher import (
    BUFFERED_BYTES,
    FETCH_BYTES_MAX,
    PARTITION_BYTES,
    BoundedFetcher,
    buffered_bytes,
    memory_of,
)
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords

from tests.support.record_batches import GZIP, RawRecord, batch_of

REQUESTS = [("node", "request")]


def result(fetched: bytes) -> Any:
    return SimpleNamespace(_partition_records=SimpleNamespace(_records=SafeMemoryRecords(fetched)))


@pytest.fixture
def fetcher(monkeypatch: pytest.MonkeyPatch) -> BoundedFetcher:
    """A fetcher that was never connected; aiokafka would send one request."""
    monkeypatch.setattr(Fetcher, "_get_actions_per_node", lambda self, assignment: (REQUESTS, {}, 0.2, False, []))
    fetcher = BoundedFetcher.__new__(BoundedFetcher)
    fetcher._records = {}
    fetcher._default_reset_strategy = OffsetResetStrategy.EARLIEST
    return fetcher


@pytest.mark.parametrize(
    ("waiting", "share"),
    [
        (0, PARTITION_BYTES[-1]),
        (BUFFERED_BYTES // 2, PARTITION_BYTES[-1]),
        (BUFFERED_BYTES * 7 // 8, BUFFERED_BYTES // 64),
        (BUFFERED_BYTES, PARTITION_BYTES[0]),
        (2 * BUFFERED_BYTES - 1, PARTITION_BYTES[0]),
    ],
)
def test_share_of_a_partition_shrinks_as_the_memory_fills(fetcher: BoundedFetcher, waiting: int, share: int) -> None:
    fetcher._records = {"waiting": result(bytes(waiting))}
    requests, *_ = fetcher._get_actions_per_node(None)
    assert (requests, fetcher._max_partition_fetch_bytes) == (REQUESTS, share)


def test_no_fetch_is_sent_while_too_many_bytes_wait(fetcher: BoundedFetcher) -> None:
    fetcher._records = {number: result(bytes(BUFFERED_BYTES)) for number in range(2)}
    requests, resets, timeout, *_ = fetcher._get_actions_per_node(None)
    assert (requests, resets, timeout) == ([], {}, 0.2)


def test_decompressed_bytes_are_counted_while_they_wait() -> None:
    fetched = batch_of([RawRecord(bytes(3_000_000)), RawRecord(b"next")], codec=GZIP)
    waiting = result(fetched)
    assert buffered_bytes([waiting]) == len(fetched)
    records = iter(memory_of(waiting).next_batch())  # type: ignore[union-attr]  # it has batches
    next(records)
    assert 3_000_000 < buffered_bytes([waiting]) - len(fetched) < 3_000_200
    assert len(list(records)) == 1
    assert buffered_bytes([waiting]) == len(fetched)


@pytest.mark.parametrize("other", [None, 3, SimpleNamespace(_partition_records=None), SimpleNamespace(_error="x")])
def test_error_and_consumed_result_hold_no_bytes(other: Any) -> None:
    assert memory_of(other) is None
    assert buffered_bytes([other]) == 0


def test_every_consumer_has_this_fetcher_with_a_bounded_response(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}
    monkeypatch.setattr(Fetcher, "__init__", lambda self, *arguments, **settings: made.update(settings))
    bounded_fetcher.patch_aiokafka()
    consumer.Fetcher(None, None, fetch_max_bytes=52_428_800, check_crcs=True)
    assert made == {"fetch_max_bytes": FETCH_BYTES_MAX, "check_crcs": True}


@pytest.mark.parametrize(
    ("strategy", "fetched"),
    [(OffsetResetStrategy.NONE, ["positioned"]), (OffsetResetStrategy.EARLIEST, ["positioned", "new"])],
)
def test_partition_without_a_position_is_left_alone_by_a_consumer_that_seeks_itself(
    monkeypatch: pytest.MonkeyPatch, fetcher: BoundedFetcher, strategy: int, fetched: list[str]
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        Fetcher, "_get_actions_per_node", lambda self, assignment: (seen.extend(assignment.tps), {}, 0.2, False, [])
    )
    fetcher._default_reset_strategy = strategy
    assignment = SimpleNamespace(
        tps=["positioned", "new"],
        state_value=lambda partition: SimpleNamespace(has_valid_position=partition == "positioned"),
    )
    fetcher._get_actions_per_node(assignment)
    assert seen == fetched
