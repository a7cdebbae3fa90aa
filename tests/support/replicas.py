"""Replicas of a test: synchronised with a lane's owner, changed behind the client's back."""

import sqlite3
from pathlib import Path

from samenspel.client.replica import LaneReport, ReplicaStore
from samenspel.client.replica.report import report_on
from samenspel.contracts.digest import to_hex

from tests.support.lane_owner import TOPIC, Owner, reading_of


def sync(store: ReplicaStore, *owners: Owner) -> tuple[int, LaneReport]:
    """How many events were applied, and how the first lane stands."""
    reading = reading_of(store, *owners)
    applied = reading.run(False, lambda done, total: None)
    return applied, report_on(reading.batch.lanes[TOPIC, owners[0].lane])


def equals(report: LaneReport, owner: Owner) -> bool:
    return (report.timeline, report.sequence, report.digest) == (owner.timeline, owner.sequence, to_hex(owner.digest))


def replica(path: Path, owner: Owner) -> Path:
    with ReplicaStore(path, create=True) as store:
        reading_of(store, owner).run(False, lambda done, total: None)
    return path


def change(file: Path, statement: str, *parameters: bytes) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement, parameters)
    connection.close()
