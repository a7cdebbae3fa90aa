"""What a demo came to, and whether it is what the demo promises."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel

REPLICAS: Final = 4


class ProgrammeTotals(BaseModel):
    """As a replica tells it: amounts in euro cents."""

    name: str
    ceiling_cents: int
    granted_cents: int


class ReplicaResult(BaseModel):
    """``events`` were applied and verified; ``digest`` is one for all lanes; ``equal`` to what the first holds."""

    organisation: str
    events: int
    digest: str
    equal: bool


class DeliveryTotals(BaseModel):
    """What the notifier says it delivered, and what arrived with a signature that is right."""

    sent: int
    verified: int


class DemoReport(BaseModel):
    """``refused`` counts refused applications, ``events`` what a replica holds, ``killed`` names a service."""

    seconds: float
    events: int
    programmes: list[ProgrammeTotals]
    refused: int
    replicas: list[ReplicaResult]
    deliveries: DeliveryTotals
    killed: str

    def faults(self, ceilings: Mapping[str, int]) -> Iterator[str]:
        """All that does not hold, a sentence each; ``ceilings`` is what each programme must have granted."""
        granted = {each.name: each.granted_cents for each in self.programmes}
        for name, cents in ceilings.items():
            if granted.get(name) != cents:
                yield f"{name} granted {granted.get(name, 0)} cents instead of {cents}"
        if any(each.granted_cents > each.ceiling_cents for each in self.programmes):
            yield "a programme granted more than its ceiling"
        if self.refused != 1:
            yield f"{self.refused} applications were refused with an explanation instead of 1"
        yield from self._unequal_replicas()
        if not 0 < self.deliveries.sent == self.deliveries.verified:
            yield f"{self.deliveries.verified} of {self.deliveries.sent} deliveries were verified"

    def _unequal_replicas(self) -> Iterator[str]:
        if len(self.replicas) != REPLICAS:
            yield f"{len(self.replicas)} organisations have a copy instead of {REPLICAS}"
        for each in self.replicas:
            if not each.equal:
                yield f"the copy of {each.organisation} is not equal; `samenspel replica verify` shows where"
