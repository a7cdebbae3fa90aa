"""The notifier's database is restored: an accepted subscription exists again, and gets deliveries."""

import pytest

from deploy.local.system import LocalSystem
from tests.faults.restore.backup import Backup
from tests.faults.restore.operator_commands import is_behind, is_ready, recover
from tests.support.invariants import is_published
from tests.support.organisations import admit
from tests.support.service_process import begin_ready
from tests.support.subscribers import applied, subjects, subscriber_for, tell
from tests.support.waiting import eventually


@pytest.mark.long
async def test_subscription_is_recovered_and_delivered_after_a_restore(bare_system: LocalSystem) -> None:
    lives = [await begin_ready(bare_system, service) for service in ("registry", "notifier")]
    system, backup = bare_system, Backup(bare_system, "notifier")
    try:
        city = await admit(system)
        async with subscriber_for(city) as subscriber:
            before = await tell(city)
            await applied(subscriber, before, 1)
            await backup.take()
            await is_ready(system, "notifier")
            identity = await subscriber.subscribe(delivery="pull", start="beginning", types=[])
            await eventually(lambda: is_published(system, "notifier"), 40)
            await backup.restore()
            await is_behind(system, "notifier")
            await recover(system, "notifier")
            await is_ready(system, "notifier")
            assert (await subscriber.shown(identity))["status"] == "active"
            after = await tell(city)
            await applied(subscriber, after, 1)
            told, _ = await subscriber.pages(f"/subscriptions/{identity}/events")
            assert {before, after} <= set(subjects(told))
    finally:
        for life in lives:
            life.kill()
