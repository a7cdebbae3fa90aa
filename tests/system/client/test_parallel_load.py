"""Several processes load a replica from a running Kafka."""

import shutil
from pathlib import Path

import pytest
from samenspel.client.access.kafka_lanes import KafkaLanes
from samenspel.client.access.profile import Profile
from samenspel.client.admin.admission import admit
from samenspel.client.replica import ReplicaStore, SyncReport, diff, parallel_load, sync_over_kafka, verify
from samenspel.client.submit.emit import emit
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import INITIATIVES

from deploy.local.system import LocalSystem
from tests.support.organisations import unique_oin
from tests.system.client.test_client import SECONDS, initiatives


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
async def test_parallel_load_equals_an_ordinary_synchronisation(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
async def test_failed_load_worker_costs_time_only(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: list[str]
) -> None:
    monkeypatch.setattr(parallel_load, "EVENTS_MIN", 1)
    monkeypatch.setattr(parallel_load, "WORKER_ARGUMENTS", reader)
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        assert _sync(profile, store).applied >= 30
        assert verify(store).is_equal
