"""A sync and a verification name foreign records by range, with a bounded number of ranges."""

import pytest
from samenspel.client.replica import ReplicaStore, foreign, verify
from samenspel.client.replica.foreign import ForeignRecordCount, ForeignReport
from samenspel.client.replica.verify import _compare_with_owner

from tests.support.lane_owner import TOPIC, Owner, Source, reading_of

LANE = f"{TOPIC}/0"


def mixed(text: str) -> Owner:
    """A log in this order: ``e`` is an event, ``f`` a foreign record."""
    owner = Owner()
    for letter in text:
        if letter == "e":
            owner.publish()
        else:
            owner.append([("h", b"")], b"foreign")
    return owner


def test_sync_names_each_range_once(store: ReplicaStore) -> None:
    reading = reading_of(store, mixed("effffefefff"))
    assert reading.run(False, lambda done, total: None) == 3
    assert reading.foreign.number == 8
    assert reading.foreign.reports() == (
        ForeignReport(LANE, 1, 4, 4),
        ForeignReport(LANE, 6, 6, 1),
        ForeignReport(LANE, 8, 10, 3),
    )


def test_verification_names_each_range_once(store: ReplicaStore) -> None:
    owner = mixed("effe")
    reading_of(store, owner).run(False, lambda done, total: None)
    for _ in range(5):
        owner.append([], b"foreign")
    found = ForeignRecordCount()
    [verdict] = _compare_with_owner(Source(owner), store, list(verify(store).lanes), found)  # type: ignore[arg-type]
    assert verdict.equal
    assert found.reports() == (ForeignReport(LANE, 4, 8, 5),)
    assert "5 record(s) from offset 4 to 8" in str(found.reports()[0])


def test_number_of_ranges_is_bounded_and_every_record_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "RANGES_MAX", 3)
    found = ForeignRecordCount()
    for offset in range(0, 40, 2):
        found.add((TOPIC, 0), offset, offset - 1)
    assert len(found.reports()) == 3
    assert found.number == 20
