"""Canonical events of a large country, made without Kafka: organisations, initiatives, rollouts and funding.

The proportions are those of ten years: an initiative changes five times, every second initiative is adopted, and one
of two applications comes from an initiative. The events are valid: each carries the digest of its lane.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import orjson
from samenspel.client.replica.table_definitions import municipalities
from samenspel.contracts.digest import REMOVED, replaced, state_hash, to_hex
from samenspel.contracts.topics import FUNDING, INITIATIVES, ORGANISATIONS

Event = tuple[str, int, int, list[tuple[str, bytes]], bytes]
"""Topic, partition, offset, headers and value of a record."""
LANES: Final = 4
THEMES: Final = ("housing", "climate", "digitalisation", "mobility", "energy-transition", "information-society")
PHASES: Final = ("idea", "pilot", "scaling", "established")
CATEGORIES: Final = ("implementation", "knowledge", "cooperation", "infrastructure")
PROGRAMMES: Final = 20
EVENTS_PER_INITIATIVE: Final = 10
"""Of the initiative, its rollout and its application together, on average."""
SUMMARY: Final = "Een laadplein met slimme sturing op netcapaciteit, opschaalbaar naar andere steden. " * 3
FIRST_DAY: Final = date(2017, 1, 1)


@dataclass(slots=True)
class _Lane:
    topic: str
    partition: int
    sequence: int = 0
    digest: int = 0
    hashes: dict[str, int] = field(default_factory=dict)

    def event(self, aggregate: str, subject: str, state: dict[str, Any]) -> Event:
        value = orjson.dumps(state)
        new = state_hash(aggregate.encode(), subject.encode(), value)
        self.sequence += 1
        self.digest = replaced(self.digest, self.hashes.get(subject, REMOVED), new)
        self.hashes[subject] = new
        return self.topic, self.partition, self.sequence - 1, self._headers(aggregate, subject), value

    def _headers(self, aggregate: str, subject: str) -> list[tuple[str, bytes]]:
        id = f"{self.topic}-{self.partition}-{self.sequence}".encode()
        when = FIRST_DAY + timedelta(days=self.sequence % 3_600)
        return [
            ("ce_aggregate", aggregate.encode()),
            ("ce_authid", b"urn:nld:oin:00000099000000000001"),
            ("ce_causationid", id),
            ("ce_correlationid", id),
            ("ce_id", id),
            ("ce_lane", f"{self.topic}/{self.partition}".encode()),
            ("ce_sequence", f"{self.sequence:020d}".encode()),
            ("ce_source", b"urn:nld:oin:00000099000000000001:systeem:samenspel-registry"),
            ("ce_specversion", b"1.0"),
            ("ce_statedigest", to_hex(self.digest).encode()),
            ("ce_subject", subject.encode()),
            ("ce_submissionid", id),
            ("ce_time", f"{when}T10:00:00.000Z".encode()),
            ("ce_timeline", b"1"),
            ("ce_type", b"nl.samenspel.initiative-changed.v1"),
        ]


class Country:
    """Events with ``initiatives`` initiatives, about ten events each; the same events for the same ``seed``."""

    def __init__(self, initiatives: int, seed: int = 2021) -> None:
        self._random = Random(seed)
        self._count = initiatives
        self._lanes = [_Lane(INITIATIVES, number) for number in range(LANES)]
        self._funding = _Lane(FUNDING, 0)
        self._organisations = _Lane(ORGANISATIONS, 0)
        self.oins = [f"0000009900000{number:07d}" for number in range(len(municipalities()))]
        self.ids = [str(UUID(int=self._random.getrandbits(128))) for _ in range(initiatives)]
        self.programmes = [str(UUID(int=self._random.getrandbits(128))) for _ in range(PROGRAMMES)]

    @property
    def lane_names(self) -> list[tuple[str, int]]:
        return [(lane.topic, lane.partition) for lane in (self._organisations, self._funding, *self._lanes)]

    def events(self) -> Iterator[Event]:
        yield from self._begin()
        # Events of different initiatives alternate, as in a log of years: a thousand initiatives at a time.
        for start in range(0, self._count, 1_000):
            group = range(start, min(start + 1_000, self._count))
            yield from (self.initiative(number, step) for step in range(6) for number in group)
            yield from (self._rollout(number, step) for step in range(6) for number in group if number % 2 == 0)
            yield from (self._application(number, step) for step in range(2) for number in group if number % 2)

    def followed(self, count: int) -> Iterator[Event]:
        """Later events, spread over the country: one in five registers an initiative, the others change one."""
        for number in range(count):
            if number % 5 == 0:
                self.ids.append(str(UUID(int=self._random.getrandbits(128))))
                yield self.initiative(len(self.ids) - 1, 0)
            else:
                yield self.initiative(number * self._count // count, 6)

    def initiative(self, number: int, step: int) -> Event:
        """The event of an initiative after ``step`` changes."""
        id, leads = self.ids[number], len(self.oins)
        state = {
            "initiative_id": id,
            "lead": self.oins[number % len(self.oins)],
            "title": f"Slim laadplein voor deelmobiliteit {number}.{step}",
            "summary": SUMMARY,
            "theme": THEMES[number % len(THEMES)],
            "phase": PHASES[min(step // 2, 2)],
            "partners": [self.oins[(number * 7 + each * 13) % leads] for each in range(number % 4)],
            "estimated_costs": [{"category": each, "amount_cents": 100 * (number + 1)} for each in CATEGORIES[:2]],
            "period": {"start": "2024-01-01", "end": "2027-12-31"},
            "version": step + 1,
        }
        return self._lanes[number % LANES].event("initiative.v1", id, state)

    def _begin(self) -> Iterator[Event]:
        for oin, (code, _) in zip(self.oins, municipalities(), strict=True):
            state = {"oin": oin, "name": f"Gemeente {code}", "kind": "municipality", "cbs_code": code, "version": 1}
            yield self._organisations.event("organisation.v1", oin, state)
        for number, id in enumerate(self.programmes):
            state = {
                "programme_id": id,
                "authority": self.oins[0],
                "name": f"Regeling {number}",
                "ceiling_cents": 10**13,
                "instrument": "specifieke-uitkering",
                "legal_basis": "Financiële-verhoudingswet, artikel 17",
                "period": {"start": "2024-01-01"},
                "distribution_method": "order-of-receipt",
                "version": 1,
            }
            yield self._funding.event("programme.v1", id, state)

    def _rollout(self, number: int, step: int) -> Event:
        id = self.ids[number][::-1]
        milestones = [
            {
                "milestone": f"stap-{place}",
                "title": f"Stap {place} van de uitrol",
                "status": "reached" if number % 100 else "planned",
                "planned_on": str(FIRST_DAY + timedelta(days=number % 3_000 + 200 * place)),
            }
            for place in range(1, min(step, 3) + 1)
        ]
        state = {
            "rollout_id": id,
            "initiative_id": self.ids[number // 4 * 4],
            "adopter": self.oins[(number // 2) % len(self.oins)],
            "milestones": milestones,
            "latest_milestone": milestones[-1]["milestone"] if milestones else None,
            "version": step + 1,
        }
        return self._lanes[(number // 4 * 4) % LANES].event("rollout.v1", id, state)

    def _application(self, number: int, step: int) -> Event:
        id = self.ids[number][::-1]
        state: dict[str, Any] = {
            "application_id": id,
            "programme_id": self.programmes[number % PROGRAMMES],
            "applicant": self.oins[number % len(self.oins)],
            "received_at": "2024-03-01T09:00:00.000Z",
            "status": "submitted",
            "version": step + 1,
        }
        if step and number % 5:
            state |= {
                "status": "granted",
                "beneficiary": {"name": "Regio"},
                "activity": "Opschaling van het laadplein",
                "requested_cents": 10**7,
                "initiative_id": self.ids[number],
                "decision": {
                    "decided_on": "2024-05-01",
                    "recorded_at": "2024-05-01T09:00:00.000Z",
                    "rule": "within-ceiling",
                    "article": "Fvw 17",
                    "asked_cents": 10**7,
                    "ceiling_cents": 10**13,
                    "room_before_cents": 10**12,
                    "granted_cents": 10**7,
                    "room_after_cents": 10**12 - 10**7,
                },
            }
        return self._funding.event("application.v1", id, state)
