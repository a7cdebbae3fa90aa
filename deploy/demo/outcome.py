"""Result of a demo, and the checks of the result."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel

REPLICAS: Final = 4


class ProgrammeTotals(BaseModel):
    """Totals of a programme in a replica; amounts in euro cents."""

    name: str
    ceiling_cents: int
    granted_cents: int


class ReplicaResult(BaseModel):
    """State of one replica: verified ``events``, one ``digest`` over all lanes, ``equal`` to the first replica."""

    organisation: str
    events: int
    digest: str
    equal: bool


class DeliveryTotals(BaseModel):
    """Deliveries that the notifier sent, and deliveries that arrived with a valid signature."""

    sent: int
    verified: int


class DemoReport(BaseModel):
    """``refused`` counts refused applications, ``events`` the events in a replica; ``killed`` names a service."""

    seconds: float
    events: int
    programmes: list[ProgrammeTotals]
    refused: int
    replicas: list[ReplicaResult]
    deliveries: DeliveryTotals
    killed: str

    def faults(self, ceilings: Mapping[str, int]) -> Iterator[str]:
        """The failed checks, one sentence each. ``ceilings``: the amount that each programme must have granted."""
        granted = {each.name: each.granted_cents for each in self.programmes}
        for name, cents in ceilings.items():
            if granted.get(name) != cents:
                yield f"{name} granted {granted.get(name, 0)} cents; expected: {cents}"
        if any(each.granted_cents > each.ceiling_cents for each in self.programmes):
            yield "a programme granted more than its ceiling"
        if self.refused != 1:
            yield f"{self.refused} applications were refused with an explanation; expected: 1"
        yield from self._unequal_replicas()
        if not 0 < self.deliveries.sent == self.deliveries.verified:
            yield f"{self.deliveries.verified} of {self.deliveries.sent} deliveries were verified"

    def _unequal_replicas(self) -> Iterator[str]:
        if len(self.replicas) != REPLICAS:
            yield f"{len(self.replicas)} organisations have a replica; expected: {REPLICAS}"
        for each in self.replicas:
            if not each.equal:
                yield f"the replica of {each.organisation} differs; `samenspel replica verify` shows the lane"
