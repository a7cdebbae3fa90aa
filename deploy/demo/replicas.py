"""The copies that organisations keep: brought up to date, verified event by event, and asked in SQL."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samenspel.client.access.profile import Profile
from samenspel.client.replica import ReplicaStore, sync_over_http, sync_over_kafka, verify

from deploy.demo.errors import DemoFailed
from deploy.demo.outcome import ProgrammeTotals, ReplicaResult
from deploy.demo.sample import Party
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
    """Where a copy stands: the sequence of each lane, one digest of them all, and whether it was verified whole."""

    sequences: Mapping[str, int]
    digest: str
    sound: bool

    def holds(self, promised: Mapping[str, int]) -> bool:
        """Whether it has come as far as ``promised`` in each lane."""
        return all(self.sequences.get(lane, 0) >= sequence for lane, sequence in promised.items())


class Replicas:
    """The demo's copies, one file per party, under the home of the system."""

    def __init__(self, system: LocalSystem) -> None:
        self._profile: Profile = system.profile
        self._folder = system.home.path / "replicas"

    def file_of(self, party: Party) -> Path:
        return self._folder / f"{party.key.lower()}.db"

    async def compared(self, parties: Sequence[Party], promised: Mapping[str, int]) -> list[ReplicaResult]:
        """Each party's copy next to the first one's, as soon as all stand at the same place; else as they stand."""
        until = time.monotonic() + PATIENCE
        standings = await self._all(parties)
        while any(each != standings[0] for each in standings) and time.monotonic() < until:
            await asyncio.sleep(PAUSE)
            standings = await self._all(parties)
        return [
            ReplicaResult(
                organisation=party.name,
                events=sum(each.sequences.values()),
                digest=each.digest,
                equal=each.sound and each == standings[0] and each.holds(promised),
            )
            for party, each in zip(parties, standings, strict=True)
        ]

    async def hold(self, party: Party, promised: Mapping[str, int]) -> None:
        """Return when the party's copy holds all that was promised. Raises DemoFailed when it does not come."""
        until = time.monotonic() + PATIENCE
        while not (await self._standing(party)).holds(promised):
            if time.monotonic() > until:
                raise DemoFailed(f"the copy of {party.name} misses events that receipts promised")
            await asyncio.sleep(PAUSE)

    async def _all(self, parties: Sequence[Party]) -> list[Standing]:
        return list(await asyncio.gather(*(self._standing(each) for each in parties)))

    async def _standing(self, party: Party) -> Standing:
        """Bring the copy up to date through the party's own door, and verify all of it."""
        return await asyncio.to_thread(self._sync, party)

    def programmes(self, party: Party) -> dict[str, ProgrammeTotals]:
        """By id, what this party's own copy says was granted."""
        with ReplicaStore(self.file_of(party)) as store:
            return {
                identity: ProgrammeTotals(name=name, ceiling_cents=ceiling, granted_cents=granted)
                for identity, name, ceiling, granted in store.query(PROGRAMMES)
            }

    def refusals(self, party: Party) -> list[tuple[str, str, str]]:
        """Programme, application and explanation of what was refused because a ceiling was reached."""
        with ReplicaStore(self.file_of(party)) as store:
            return [(programme, application, why) for programme, application, why in store.query(REFUSED)]

    def count(self, party: Party, types: Sequence[str]) -> int:
        """How many events of these types this copy holds."""
        with ReplicaStore(self.file_of(party)) as store:
            return sum(next(store.query(OF_TYPE, each))[0] for each in types)

    def _sync(self, party: Party) -> Standing:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sync = sync_over_kafka if party.door == "kafka" else sync_over_http
        with ReplicaStore(self.file_of(party), create=True) as store:
            report = sync(self._profile, party.oin, store)
            proof = verify(store)
        sequences = {lane.lane: lane.sequence for lane in proof.lanes if lane.sequence}
        return Standing(sequences, proof.total_digest, sound=report.is_sound and proof.is_equal)
