"""The report of a synchronisation: missing events, divergence, and a digest of all lanes."""

from dataclasses import replace

from samenspel.client.replica import LaneReport, ReplicaStore, SyncReport
from samenspel.client.replica.report import total_digest
from samenspel.contracts.digest import MODULUS, to_hex

from tests.support.lane_owner import Owner
from tests.support.replicas import sync

SOUND = LaneReport("samenspel.initiatives/0", 1, 3, to_hex(5), None, None)


def report(*lanes: LaneReport) -> SyncReport:
    return SyncReport(applied=3, seconds=1.0, unknown=0, unreadable=0, lanes=lanes)


def test_total_digest_is_the_sum_of_all_lanes() -> None:
    assert report(SOUND, replace(SOUND, digest=to_hex(7))).total_digest == to_hex(12)
    assert total_digest([MODULUS - 1, 2]) == to_hex(1)
    assert total_digest([]) == to_hex(0)


def test_report_with_a_missing_event_is_not_sound() -> None:
    assert report(SOUND).is_sound
    assert not report(SOUND, replace(SOUND, missing=4)).is_sound


def test_lane_report_names_the_first_missing_event(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(4):
        owner.publish()
    del owner.log[1]
    _, found = sync(store, owner)
    assert (found.sequence, found.missing, found.divergence) == (1, 2, None)
    assert not report(found).is_sound


def test_diverged_lane_misses_nothing_and_is_not_sound(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish()
    owner.repeat(owner.log.pop(), value=b"{}")
    owner.publish()
    _, found = sync(store, owner)
    assert found.missing is None
    assert found.divergence is not None
    assert not report(found).is_sound
