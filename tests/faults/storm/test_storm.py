"""A small storm: a few faults of each kind while three cities submit, and the judgement afterwards."""

import gc
from dataclasses import replace

import pytest

from deploy.local.system import LocalSystem
from tests.faults.storm.director import storm
from tests.faults.storm.plan import Plan

SEED = 20261124


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients are abandoned on purpose
@pytest.mark.long
async def test_small_storm_loses_nothing(bare_system: LocalSystem) -> None:
    """Two registries; the first is stopped with a lane locked, and wakes up after the second has done the work."""
    plan = Plan.small(SEED, events=1_500)
    outcome = await storm(bare_system, plan, print, limit=120)
    assert outcome.skipped == 0
    assert outcome.canonical >= plan.events
    assert outcome.recoveries.killed.total() == 4
    gc.collect()  # abandoned clients have ended before the next test


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_small_storm_with_a_hostile_organisation_loses_nothing(bare_system: LocalSystem) -> None:
    """Floods of refusals, of reads and over Kafka, while a service, PostgreSQL and Kafka are killed."""
    plan = replace(
        Plan.small(SEED, events=600), faults=("kill service", "kill PostgreSQL", "kill Kafka"), hostile=True
    )
    outcome = await storm(bare_system, plan, print, limit=180)
    assert outcome.skipped == 0
    assert outcome.canonical >= plan.events
    gc.collect()
