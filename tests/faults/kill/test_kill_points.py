"""Services die, or lose an answer, at selected fail points; `make chaos` tries every point, several times."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.faults.kill.campaign import REGRESSIONS, everything_holds
from tests.faults.kill.catalogue import case
from tests.faults.kill.runner import run, works
from tests.faults.kill.submissions import Work

SELECTED_CASES = (
    # The decision transaction: not committed, committed without a reply, reply lost.
    "registry ingress.commit after 1",
    "registry ingress.commit lost 1",
    # The same of a group of HTTP requests: each client sends its submission again.
    "registry http.commit after 1",
    "registry http.commit lost 1",
    # Kafka has the batch; the relay dies before, or after, the acknowledgement, or before it saves the progress.
    "registry relay.acknowledge lost 1",
    "registry relay.save-progress after 1",
    "registry reconciliation.mark before 1",
    "funding projector.commit after 1",
    "funding deferral-worker.commit lost 1",
    "funding deferral-worker.quarantine-commit before 1",
    # Old receipts and details are removed, or not; the lane and the answers go on.
    "registry receipt-retention.remove after 1",
    "registry answer-retention.compact lost 1",
    "registry answers.event-types lost 1",
    # The receiver has the delivery; the notifier dies before it records the attempt.
    "notifier delivery.post after 1",
    "notifier deliveries.commit lost 1",
)
CASES = [*SELECTED_CASES, *filter(None, REGRESSIONS.read_text().splitlines())]


@pytest_asyncio.fixture(scope="module")
async def services(bare_system: LocalSystem) -> AsyncIterator[Mapping[Service, Work]]:
    async with works(bare_system) as made:
        yield made


@pytest.mark.parametrize("text", CASES)
async def test_service_killed_at_a_fail_point_loses_and_repeats_nothing(
    services: Mapping[Service, Work], text: str
) -> None:
    chosen = case(text)
    await run(services[chosen.service], chosen)


async def test_replay_after_all_kills_equals_the_databases(services: Mapping[Service, Work]) -> None:
    await everything_holds(services)
