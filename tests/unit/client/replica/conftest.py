"""A lane's owner and a replica of the lane."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaStore

from tests.support.lane_owner import Owner
from tests.support.replicas import replica


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReplicaStore]:
    with ReplicaStore(tmp_path / "replica.db", create=True) as opened:
        yield opened


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    for number in range(6):
        made.publish(f"subject-{number % 4}")
    return made


@pytest.fixture
def file(tmp_path: Path, owner: Owner) -> Path:
    return replica(tmp_path / "replica.db", owner)
