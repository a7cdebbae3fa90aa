"""The replicas of organisations: synchronised, verified event by event, and queried in SQL."""

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

SYNC_SECONDS_MAX: Final = 20.0
POLL_SECONDS: Final = 0.2
PROGRAMMES: Final = "select programme_id, name, ceiling_cents, granted_cents from programme"
REFUSED: Final = """
select programme_id, application_id, explanation from application
where status = 'refused' and rule = 'ceiling-reached' and explanation is not null
"""
OF_TYPE: Final = "select count(*) from event where type = ?"


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """State of a replica: sequence of each lane, one digest over all lanes, and the result of verification."""

    sequences: Mapping[str, int]
    digest: str
    verified: bool

    def has_reached(self, sequences: Mapping[str, int]) -> bool:
        """Whether every lane is at or after the given sequence."""
        return all(self.sequences.get(lane, 0) >= sequence for lane, sequence in sequences.items())


class Replicas:
    """The replicas of the demo: one file per party, in the home folder of the system."""

    def __init__(self, system: LocalSystem) -> None:
        self._profile: Profile = system.profile
        self._folder = system.home.path / "replicas"

    def file_of(self, party: Party) -> Path:
        return self._folder / f"{party.key.lower()}.db"

    async def compare(self, parties: Sequence[Party], promised: Mapping[str, int]) -> list[ReplicaResult]:
        """Compare each party's replica with the first replica.

        Synchronises until all replicas are in the same state, at most `SYNC_SECONDS_MAX`.
        """
        deadline = time.monotonic() + SYNC_SECONDS_MAX
        states = await self._sync_all(parties)
        while any(each != states[0] for each in states) and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
            states = await self._sync_all(parties)
        return [
            ReplicaResult(
                organisation=party.name,
                events=sum(each.sequences.values()),
                digest=each.digest,
                equal=each.verified and each == states[0] and each.has_reached(promised),
            )
            for party, each in zip(parties, states, strict=True)
        ]

    async def wait_until_reached(self, party: Party, promised: Mapping[str, int]) -> None:
        """Return when the replica contains all promised events. Raises DemoFailed after `SYNC_SECONDS_MAX`."""
        deadline = time.monotonic() + SYNC_SECONDS_MAX
        while not (await self._sync_in_thread(party)).has_reached(promised):
            if time.monotonic() > deadline:
                raise DemoFailed(f"the replica of {party.name} lacks events that receipts confirmed")
            await asyncio.sleep(POLL_SECONDS)

    async def _sync_all(self, parties: Sequence[Party]) -> list[ReplicaState]:
        return list(await asyncio.gather(*(self._sync_in_thread(each) for each in parties)))

    async def _sync_in_thread(self, party: Party) -> ReplicaState:
        """Synchronise the replica over the party's entry point, and verify all lanes."""
        return await asyncio.to_thread(self._sync, party)

    def programmes(self, party: Party) -> dict[str, ProgrammeTotals]:
        """Totals per programme id in this party's replica."""
        with ReplicaStore(self.file_of(party)) as store:
            return {
                identity: ProgrammeTotals(name=name, ceiling_cents=ceiling, granted_cents=granted)
                for identity, name, ceiling, granted in store.query(PROGRAMMES)
            }

    def refusals(self, party: Party) -> list[tuple[str, str, str]]:
        """Programme, application and explanation of applications that were refused for a reached ceiling."""
        with ReplicaStore(self.file_of(party)) as store:
            return [(programme, application, why) for programme, application, why in store.query(REFUSED)]

    def count(self, party: Party, types: Sequence[str]) -> int:
        """Number of events of ``types`` in this party's replica."""
        with ReplicaStore(self.file_of(party)) as store:
            return sum(next(store.query(OF_TYPE, each))[0] for each in types)

    def _sync(self, party: Party) -> ReplicaState:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sync = sync_over_kafka if party.entry_point == "kafka" else sync_over_http
        with ReplicaStore(self.file_of(party), create=True) as store:
            report = sync(self._profile, party.oin, store)
            proof = verify(store)
        sequences = {lane.lane: lane.sequence for lane in proof.lanes if lane.sequence}
        return ReplicaState(sequences, proof.total_digest, verified=report.is_sound and proof.is_equal)
