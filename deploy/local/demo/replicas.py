"""The copies that organisations keep: brought up to date, verified event by event, and asked in SQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samenspel.client.profile import Profile
from samenspel.client.replica import Store, sync_over_http, sync_over_kafka, verify

from deploy.local.demo.errors import DemoFailed
from deploy.local.demo.outcome import Programme, Replica
from deploy.local.demo.sample import Party
from deploy.local.system import LocalSystem

PATIENCE: Final = 20.0
PAUSE: Final = 0.2
PROGRAMMES: Final = "select programme_id, name, ceiling_cents, granted_cents from programme"
REFUSED: Final = """
select programme_id, application_id, explanation from application
where status = 'refused' and rule = 'ceiling-reached' and explanation is not null
"""
OF_TYPE: Final = "select count(*) from event where type = ?"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a copy stands: ``events`` in all lanes together, and one digest of them all."""

    events: int
    digest: str
    sound: bool


class Replicas:
    """The demo's copies, one file per party, under the home of the system."""

    def __init__(self, system: LocalSystem) -> None:
        self._profile: Profile = system.profile
        self._folder = system.home.path / "replicas"

    def file_of(self, party: Party) -> Path:
        return self._folder / f"{party.key.lower()}.db"

    async def compared(self, parties: Sequence[Party]) -> list[Replica]:
        """Each party's copy as it stands now, the first being what the others are compared with."""
        first = await self.synced(parties[0])
        others = await asyncio.gather(*(self._caught_up(each, first.events) for each in parties[1:]))
        return [
            Replica(
                organisation=party.name,
                events=each.events,
                digest=each.digest,
                equal=each.sound and (each.events, each.digest) == (first.events, first.digest),
            )
            for party, each in zip(parties, [first, *others], strict=True)
        ]

    async def synced(self, party: Party) -> Standing:
        """Bring the copy up to date through the party's own door, and verify all of it."""
        return await asyncio.to_thread(self._sync, party)

    def programmes(self, party: Party) -> dict[str, Programme]:
        """By id, what this party's own copy says was granted."""
        with Store(self.file_of(party)) as store:
            return {
                identity: Programme(name=name, ceiling_cents=ceiling, granted_cents=granted)
                for identity, name, ceiling, granted in store.query(PROGRAMMES)
            }

    def refusals(self, party: Party) -> list[tuple[str, str, str]]:
        """Programme, application and explanation of what was refused because a ceiling was reached."""
        with Store(self.file_of(party)) as store:
            return [(programme, application, why) for programme, application, why in store.query(REFUSED)]

    def count(self, party: Party, types: Sequence[str]) -> int:
        """How many events of these types this copy holds."""
        with Store(self.file_of(party)) as store:
            return sum(next(store.query(OF_TYPE, each))[0] for each in types)

    async def _caught_up(self, party: Party, events: int) -> Standing:
        """The notifier's feed may be a moment behind Kafka."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    standing = await self.synced(party)
                    if standing.events >= events:
                        return standing
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            raise DemoFailed(
                f"the copy of {party.name} has not reached {events} events in {PATIENCE:.0f} s"
            ) from None

    def _sync(self, party: Party) -> Standing:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sync = sync_over_kafka if party.door == "kafka" else sync_over_http
        with Store(self.file_of(party), create=True) as store:
            report = sync(self._profile, party.oin, store)
            proof = verify(store)
        events = sum(lane.sequence for lane in proof.lanes)
        return Standing(events, proof.total_digest, sound=report.is_sound and proof.is_equal)
