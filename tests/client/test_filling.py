"""A file that several processes fill says what one that was filled by one says, whatever lies on the lanes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samenspel.client.access.kafka_lanes import KafkaLanes
from samenspel.client.access.profile import Profile
from samenspel.client.admin.admission import admit
from samenspel.client.replica import ReplicaStore, SyncReport, diff, parallel_load, sync_over_kafka, verify
from samenspel.client.replica import load_worker as reading
from samenspel.client.replica.report import report_on
from samenspel.client.submit.emit import emit
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import INITIATIVES

from deploy.local.system import LocalSystem
from tests.client.log import TOPIC, Owner, Source, reading_of
from tests.client.test_system import SECONDS, initiatives
from tests.kit.organisations import unique_oin

EVENTS = "select lane, timeline, sequence, id, value from event order by lane, timeline, sequence"


def _sound(owner: Owner) -> None: ...


def _repeats(owner: Owner) -> None:
    owner.repeat(owner.log[0])
    owner.repeat(owner.log[-2])


def _a_hole(owner: Owner) -> None:
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
    "lies_on", [_sound, _repeats, _a_hole, _a_changed_value, _no_event, _a_new_timeline, _nothing]
)
def test_whatever_lies_on_a_lane(
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


@pytest.fixture
async def profile(system: LocalSystem, tmp_path: Path) -> Profile:
    shutil.copytree(system.profile.folder, tmp_path / "profile")
    profile = Profile(tmp_path / "profile")
    oin = unique_oin()
    await admit(profile, [OrganisationAdmitted(oin=oin, name="Gemeente", kind="municipality")])
    await emit(profile, oin, initiatives(oin, 30), within=SECONDS)
    return profile


def _sync(profile: Profile, store: ReplicaStore) -> SyncReport:
    return sync_over_kafka(profile, profile.any_credential().oin, store, topics=[INITIATIVES])


@pytest.mark.system
async def test_processes_fill_a_file(profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, told = profile.any_credential(), list[tuple[int, int]]()
    with (
        ReplicaStore(tmp_path / "one.db", create=True) as one,
        ReplicaStore(tmp_path / "many.db", create=True) as many,
    ):
        with KafkaLanes(profile.system().kafka, reader) as source:
            places = source.bounds([INITIATIVES])
        monkeypatch.setattr(parallel_load, "EVENTS_MIN", 1)
        filled = parallel_load.load(profile, reader.oin, many, places, lambda *counts: told.append(counts))
        assert filled >= 30
        assert told[-1][0] == filled
        assert parallel_load.load(profile, reader.oin, many, places, lambda *counts: None) == 0, (
            "it has something by now"
        )
        _sync(profile, many)
        _sync(profile, one)
        assert verify(many).is_equal
        assert diff(one, many) == []


NOT_THERE = ["-c", ""]
CUT_OFF = ["-c", "import sys; sys.stdout.buffer.write((100).to_bytes(8, 'big') + b'half of it')"]
TALKING = ["-c", "print('What else is on my mind')"]


@pytest.mark.system
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("reader", [NOT_THERE, CUT_OFF, TALKING], ids=["not there", "cut off", "talking"])
async def test_a_reader_that_fails_costs_time_only(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: list[str]
) -> None:
    monkeypatch.setattr(parallel_load, "EVENTS_MIN", 1)
    monkeypatch.setattr(parallel_load, "WORKER_ARGUMENTS", reader)
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        assert _sync(profile, store).applied >= 30
        assert verify(store).is_equal


def test_a_lane_that_its_owner_started_anew_is_left_to_who_knows_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgotten a moment ago, it stands at nothing too, but on another timeline."""
    monkeypatch.setattr(parallel_load, "EVENTS_MIN", 1)
    asked = list[parallel_load.OffsetRanges]()
    monkeypatch.setattr(parallel_load, "_shares", lambda places: asked.append(places) or [])
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        store.restart_lane(store.lane(TOPIC, 0), 2)
        assert parallel_load.load(Profile(tmp_path), "", store, {(TOPIC, 0): (0, 10)}, lambda *counts: None) == 0
        assert asked == []
