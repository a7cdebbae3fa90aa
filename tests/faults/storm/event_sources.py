"""The events of the storm's organisations: endless, valid, and each subject in order through a single entry point."""

import random
from collections.abc import Iterator
from itertools import cycle

from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.initiatives import PHASES

from tests.support.events import Event, initiative, new_id
from tests.support.organisations import Organisation

CEILING_CENTS = 2_000
REQUESTED_CENTS = 100
"""The twentieth grant exhausts a programme, so most ceilings are reached."""
LIVING_MAX = 40
"""Initiatives with further changes, per source."""


class Initiatives:
    """Registers initiatives, changes initiatives, and moves initiatives to the next phase."""

    def __init__(self, organisation: Organisation, chance: random.Random) -> None:
        self._organisation = organisation
        self._chance = chance
        self._living: list[tuple[str, int, int]] = []
        """Id, version and phase of changeable initiatives."""
        self.registered: list[str] = []

    def __iter__(self) -> Iterator[Event]:
        while True:
            if self._living and self._chance.random() < 0.6:
                yield self._change(self._chance.randrange(len(self._living)))
            else:
                yield self.register()

    def register(self) -> Event:
        stated = initiative(phase=PHASES[0])
        self._living = [*self._living[-LIVING_MAX:], (stated["initiative_id"], 1, 0)]
        self.registered.append(stated["initiative_id"])
        return self._organisation.event("initiative-registered", stated)

    def _change(self, index: int) -> Event:
        identity, version, phase = self._living[index]
        about = {"initiative_id": identity, "based_on_version": version}
        if phase + 1 < len(PHASES) and self._chance.random() < 0.2:
            self._living[index] = identity, version + 1, phase + 1
            return self._organisation.event("initiative-phase-changed", {**about, "phase": PHASES[phase + 1]})
        self._living[index] = identity, version + 1, phase
        return self._organisation.event("initiative-changed", {**about, "title": f"Versie {version + 1}"})


class Applications:
    """Applies to programme after programme; every third application names a newly registered initiative."""

    def __init__(self, organisation: Organisation, programmes: list[str], initiatives: Initiatives) -> None:
        self._organisation = organisation
        self._programmes = programmes
        self._initiatives = initiatives

    def __iter__(self) -> Iterator[Event]:
        for number in cycle(range(3)):
            registered = self._initiatives.registered
            about = {"initiative_id": registered[-1]} if number == 0 and registered else {}
            yield self.apply(**about)

    def apply(self, **changes: str) -> Event:
        data = {
            "programme_id": self._programmes[-1],
            "application_id": new_id(),
            "beneficiary": {"name": self._organisation.name},
            "activity": "Laadpleinen in drie wijken",
            "requested_cents": REQUESTED_CENTS,
        }
        return self._organisation.event("application-submitted", data | changes)


def opened(authority: Organisation, programme_id: str) -> Event:
    changes = {
        "programme_id": programme_id,
        "ceiling_cents": CEILING_CENTS,
        "distribution_method": "order-of-receipt",
    }
    return authority.event("programme-opened", {**EXAMPLES["programme-opened"], **changes})


def decided(authority: Organisation, application: dict[str, str]) -> Event:
    data = {
        "programme_id": application["programme_id"],
        "application_id": application["application_id"],
        "outcome": "grant",
        "amount_cents": REQUESTED_CENTS,
        "decided_on": "2026-04-01",
    }
    return authority.event("application-decided", data)
