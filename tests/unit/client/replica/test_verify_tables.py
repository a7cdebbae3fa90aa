"""The tables of a replica are proved from its log: every damage is named with table, key and column."""

from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaStore, verify

from tests.support.replicas import change, replica
from tests.unit.client.replica.test_current_state import later, story


@pytest.fixture
def proved(tmp_path: Path) -> Path:
    owner = story()
    later(owner)
    return replica(tmp_path / "r.db", owner)


def faults_after(file: Path, statement: str) -> list[tuple[str, str, str]]:
    change(file, statement)
    with ReplicaStore(file) as store:
        report = verify(store)
    assert report.faults == ()
    assert report.is_equal is not bool(report.tables)
    return [(fault.table, fault.key, fault.column) for fault in report.tables]


def test_tables_of_an_intact_replica_are_equal(proved: Path) -> None:
    with ReplicaStore(proved) as store:
        report = verify(store)
    assert (report.tables, report.has_tables, report.is_equal) == ((), True, True)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update initiative_v1 set title = 'x' where initiative_id = 'a'", ("initiative_v1", "a", "title")),
        ("update initiative_v1 set theme = null where initiative_id = 'a'", ("initiative_v1", "a", "theme")),
        (
            "update initiative_v1 set estimated_costs_amount_cents = 11 where initiative_id = 'a'",
            ("initiative_v1", "a", "estimated_costs_amount_cents"),
        ),
        ("update initiative_v1 set number = 1 where initiative_id = 'a'", ("initiative_v1", "a", "number")),
        ("update initiative_v1 set changed_at = '' where initiative_id = 'a'", ("initiative_v1", "a", "changed_at")),
        ("update initiative_v1 set lead = '1' where initiative_id = 'c'", ("initiative_v1", "c", "lead")),
        ("delete from initiative_v1 where initiative_id = 'a'", ("initiative_v1", "a", "")),
        ("insert into initiative_v1 select 'z', lead, title, summary, theme, phase, period_start, period_end, link, "
         "stopped_because, version, 1, changed_at, number from initiative_v1 where initiative_id = 'a'",
         ("initiative_v1", "z", "")),
        ("update initiative_v1_partners set value = 'x' where position = 2 and initiative_id = 'a'",
         ("initiative_v1_partners", "a 2", "value")),
        ("delete from initiative_v1_partners where position = 2 and initiative_id = 'a'",
         ("initiative_v1_partners", "a 2", "")),
        ("insert into initiative_v1_partners values ('c', 1, '1')", ("initiative_v1_partners", "c 1", "")),
        ("insert into other_aggregate values ('new.v9', 'b', '', 1)", ("other_aggregate", "new.v9 b", "")),
        ("delete from application_v1", ("application_v1", "id-application.v1", "")),
        ("drop table rollout_v1_milestones", ("rollout_v1_milestones", "", "")),
        ("drop view initiative", ("initiative", "", "")),
        ("drop index initiative_v1_by_theme", ("initiative_v1_by_theme", "", "")),
        ("update municipality set province = 'Utrecht' where cbs_code = 'GM0034'", ("municipality", "", "")),
        ("drop table state_position", ("state_position", "", "")),
    ],
)  # fmt: skip
def test_every_damage_is_named_with_table_key_and_column(
    proved: Path, statement: str, found: tuple[str, str, str]
) -> None:
    assert found in faults_after(proved, statement)


def test_fault_is_one_sentence(proved: Path) -> None:
    change(proved, "update initiative_v1 set title = 'x' where initiative_id = 'a'")
    with ReplicaStore(proved) as store:
        (fault,) = verify(store).tables
    assert str(fault) == "table initiative_v1 a title: differs from the log"


def test_number_of_faults_is_limited(tmp_path: Path) -> None:
    owner = story()
    for number in range(150):
        owner.publish(f"n{number}")
    file = replica(tmp_path / "many.db", owner)
    assert len(faults_after(file, "update initiative_v1 set title = 'x'")) == 100


def test_proof_leaves_nothing_behind(proved: Path) -> None:
    with ReplicaStore(proved) as store:
        verify(store)
        assert list(store.query("select name from sqlite_temp_master")) == []
        assert verify(store).is_equal
