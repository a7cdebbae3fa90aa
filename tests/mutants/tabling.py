"""Protections of the tables of a replica: equal to the log, after every event, damage and death."""

from typing import Final

from tests.mutants.mutant import Mutant

_TESTS: Final = "tests/unit/client/replica"
_DEATH: Final = f"{_TESTS}/test_current_state.py::test_death_at_any_statement_leaves_tables_equal_to_the_log"

TABLING: Final = (
    Mutant(
        "tables-behind-the-log",
        "samenspel.client.replica.store:ReplicaStore.commit",
        "self._state.apply(rows, before)",
        "pass",
        f"{_TESTS}/test_current_state.py::test_following_sync_writes_tables_with_each_commit",
    ),
    Mutant(
        "tables-of-a-removed-lane",
        "samenspel.client.replica.store:ReplicaStore.restart_lane",
        "self._state.refresh(keys)",
        "pass",
        f"{_TESTS}/test_current_state.py::test_lane_on_a_new_timeline_leaves_the_tables_until_it_is_read_again",
    ),
    Mutant(
        "believes-the-tables",
        "samenspel.client.replica.verify_tables:_differences",
        "published != kept",
        "False",
        f"{_TESTS}/test_verify_tables.py::test_every_damage_is_named_with_table_key_and_column",
    ),
    Mutant(
        "keeps-removed-aggregates",
        "samenspel.client.replica.current_state:CurrentState.apply",
        "rows[index][HASH] == removed",
        "False",
        f"{_TESTS}/test_current_state.py::test_removed_aggregate_leaves_every_table",
    ),
    Mutant(
        "believes-an-older-position",
        "samenspel.client.replica.current_state:CurrentState.apply",
        "position != before",
        "False",
        f"{_TESTS}/test_current_state.py::test_events_that_another_program_wrote_are_found_at_the_next_commit",
    ),
    Mutant(
        "keeps-tables-of-another-form",
        "samenspel.client.replica.current_state:CurrentState.is_damaged",
        "self.differences() != []",
        "False",
        f"{_TESTS}/test_current_state.py::test_tables_of_another_form_are_defined_anew_by_the_next_sync",
    ),
    Mutant(
        "fills-in-pieces",
        "samenspel.client.replica.store:ReplicaStore.finish",
        "with self._transaction():",
        "if True:",
        _DEATH,
    ),
    Mutant(
        "reads-any-json",
        "samenspel.client.replica.table_statements:_DATA",
        " and json_valid({0}.value)",
        "",
        f"{_TESTS}/test_table_statements.py::test_data_of_any_form_gives_one_row_with_the_key",
    ),
    Mutant(
        "keeps-indexed-columns",
        "samenspel.client.replica.table_statements:changes_statement",
        "is not null and ({columns})",
        "is null",
        _DEATH,
    ),
    Mutant(
        "keeps-lists",
        "samenspel.client.replica.table_statements:_list_differs",
        "is not b.data",
        "is null and b.data",
        _DEATH,
    ),
    Mutant(
        "asks-empty-tables",
        "samenspel.client.replica.store:ReplicaStore.require_loaded",
        "not self.is_loaded",
        "False",
        f"{_TESTS}/test_current_state.py::test_first_sync_that_did_not_end_has_empty_tables",
    ),
    Mutant(
        "opens-a-later-format",
        "samenspel.client.replica.store:ReplicaStore._require_replica",
        "version not in READABLE",
        "False",
        f"{_TESTS}/test_store_upgrade.py::test_file_of_a_later_version_is_refused",
    ),
)
