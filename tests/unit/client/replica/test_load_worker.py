"""A replica loaded page by page equals a replica of a single reader, for every fault of a lane."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samenspel.client.replica import ReplicaStore, parallel_load
from samenspel.client.replica import load_worker as reading
from samenspel.client.replica.report import report_on

from tests.support.lane_owner import TOPIC, Owner, Source, reading_of

EVENTS = "select lane, timeline, sequence, id, value from event order by lane, timeline, sequence"


def _sound(owner: Owner) -> None: ...


def _repeats(owner: Owner) -> None:
    owner.repeat(owner.log[0])
    owner.repeat(owner.log[-2])


def _a_gap(owner: Owner) -> None:
    del owner.log[7]


def _a_changed_value(owner: Owner) -> None:
    owner.repeat(owner.log.pop(), value=b"{}")
    owner.publish()


def _no_event(owner: Owner) -> None:
    owner.append([("ce_type", b"?")], b"{}")
    owner.publish()


def _a_new_timeline(owner: Owner) -> None:
    owner.begin_anew()
    owner.publish()


def _nothing(owner: Owner) -> None:
    owner.log.clear()


def _read_by_one(store: ReplicaStore, *owners: Owner) -> Any:
    reading = reading_of(store, *owners)
    reading.run(False, lambda done, total: None)
    return [report_on(reading.batch.lanes[TOPIC, owner.lane]) for owner in owners], reading.batch.unreadable


@pytest.mark.parametrize(
    "lies_on", [_sound, _repeats, _a_gap, _a_changed_value, _no_event, _a_new_timeline, _nothing]
)
def test_page_by_page_load_equals_a_single_reader_for_every_fault_of_a_lane(
    tmp_path: Path, lies_on: Callable[[Owner], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "EVENTS_PER_PAGE", 5)
    owner, other = Owner(), Owner(lane=1)
    for each in (owner, other):
        for _ in range(12):
            each.publish()
        each.publish(subject=next(iter(each.hashes))[1])
    lies_on(owner)
    with (
        ReplicaStore(tmp_path / "one.db", create=True) as one,
        ReplicaStore(tmp_path / "many.db", create=True) as many,
    ):
        expected = _read_by_one(one, owner, other)
        source = Source(owner, other)
        places = source.bounds([TOPIC])
        copy = many.batch([many.lane(*name) for name in places])
        filled = sum(parallel_load.write(many, copy, page) for page in reading.read(source, places))  # type: ignore[arg-type]
        assert filled >= 13, "the other lane, at least"
        reports, unreadable = _read_by_one(many, owner, other)
        assert [(each.sequence, each.digest, each.missing, each.divergence) for each in reports] == [
            (each.sequence, each.digest, each.missing, each.divergence) for each in expected[0]
        ]
        assert unreadable == expected[1]
        assert list(many.query(EVENTS)) == list(one.query(EVENTS))
