"""The plan of every SQL statement on a long history, and the rows that each statement reads.

The history has 300,000 rows per table, 1,000 organisations and 48 canonical lanes (`tests/plans/fill.py`). New
statements and tables join by themselves.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from samenspel.runtime.postgres import Connection

from tests.plans import exceptions
from tests.plans.exceptions import is_excepted, statement_of
from tests.plans.explain import MODES, SampleMissing, Samples, empty_statistics, plan_of
from tests.plans.fill import BOUNDED, FILLS, NOT_FILLED, QUEUES
from tests.plans.growth import growing, rows_of_statements
from tests.plans.history import history, large_tables, tables
from tests.plans.rules import problems
from tests.plans.samples import SAMPLES
from tests.plans.statements import all_statements

ROWS = 300_000
FEW_ROWS = 10_000
STATEMENTS = all_statements()


@pytest_asyncio.fixture(scope="module")
async def long_history(server: str) -> AsyncIterator[Connection]:
    async with history(server, ROWS) as made, made.connect() as connection:
        yield connection


@pytest_asyncio.fixture(scope="module")
async def short_history(server: str) -> AsyncIterator[Connection]:
    async with history(server, FEW_ROWS) as made, made.connect() as connection:
        yield connection


async def test_every_table_has_a_fill_or_a_reason(long_history: Connection) -> None:
    names = await tables(long_history)
    unfilled = names - FILLS.keys() - NOT_FILLED.keys()
    assert unfilled == set(), "add an `insert … select … from generate_series` to FILLS in tests/plans/fill.py"
    assert FILLS.keys() | NOT_FILLED.keys() == names
    assert names - await large_tables(long_history) == BOUNDED.keys()


def test_samples_and_reasons_name_statements() -> None:
    assert (SAMPLES.keys() | exceptions.PLANS.keys() | exceptions.ROWS.keys()) - STATEMENTS.keys() == set()


@pytest.mark.parametrize("statistics", ["present statistics", "queues with the statistics of an empty table"])
async def test_no_plan_grows_with_the_history(long_history: Connection, statistics: str) -> None:
    emptied = [] if statistics == "present statistics" else QUEUES
    large, found = await large_tables(long_history), set()
    samples = await Samples.of(long_history)
    for name, statement in STATEMENTS.items():
        async for sample in samples.prepared(name, statement):
            async with empty_statistics(long_history, emptied):
                plans = [await plan_of(long_history, sample, mode) for mode in MODES]
            found |= {(str(sample), each) for plan in plans for each in problems(plan, large)}
    assert {each for each in found if not is_excepted(*each)} == set()
    if not emptied:
        assert exceptions.PLANS.keys() - {statement_of(sample) for sample, _ in found} == set(), (
            "reasons without need"
        )


async def test_rows_read_are_as_many_on_a_longer_history(short_history: Connection, long_history: Connection) -> None:
    few, many = [await rows_of_statements(each, STATEMENTS) for each in (short_history, long_history)]
    found = growing(few, many)
    assert {sample: rows for sample, rows in found.items() if statement_of(sample) not in exceptions.ROWS} == {}
    assert exceptions.ROWS.keys() - {statement_of(sample) for sample in found} == set(), "reasons without need"


@pytest.mark.parametrize(
    ("former", "problem"),
    [
        ("select number from deferral where record = $1", "Seq Scan of deferral"),
        ("select key from journal order by key", "Sort of many rows"),
        ("select from feed f join journal j on f.sequence = j.sequence", "Hash of many rows"),
        ("select subject from aggregate order by aggregate, subject", "Index Only Scan of all of aggregate_pkey"),
    ],
)
async def test_statement_that_reads_a_table_is_noticed(long_history: Connection, former: str, problem: str) -> None:
    samples = await Samples.of(long_history)
    [sample] = [each async for each in samples.prepared("former", former)]
    plan = await plan_of(long_history, sample, "generic")
    assert problem in set(problems(plan, await large_tables(long_history)))


async def test_statement_without_a_sample_says_what_to_add(long_history: Connection) -> None:
    samples = await Samples.of(long_history)
    with pytest.raises(SampleMissing, match=r"\$1 \(float8\).*SAMPLES.*tests/plans/samples.py"):
        [each async for each in samples.prepared("new", "select from lane where random() + 1 > abs($1::float8)")]
