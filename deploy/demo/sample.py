"""Data of the demo: parties and Regio Deals from named sources, and invented initiatives.

The files are in ``data/``; every row names the source. Amounts in the files are whole euros.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, BeforeValidator, ConfigDict
from samenspel.contracts.funding import DistributionMethod, Instrument
from samenspel.contracts.initiatives import CostCategory, Phase, Theme
from samenspel.contracts.organisations import Kind, Membership, OrganisationAdmitted, Role
from samenspel.contracts.values import Period, Slug

DATA: Final = Path(__file__).parent / "data"
EntryPoint = Literal["kafka", "http"]
Absent = BeforeValidator(lambda cell: None if cell == "" else cell)
"""An empty CSV cell means None."""


def id_of(*names: object) -> str:
    """UUID of an aggregate in the sample, equal in every run."""
    return str(uuid5(NAMESPACE_URL, "/".join(("https://samenspel.example/demo", *map(str, names)))))


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


AnyRow = TypeVar("AnyRow", bound=Row)


class Party(Row):
    """An organisation with a test OIN; ``entry_point`` is the interface of the organisation's systems."""

    key: str
    oin: str
    name: str
    kind: Kind
    roles: Annotated[Role | None, Absent]
    network: Annotated[str | None, Absent]
    member_since: Annotated[date | None, Absent]
    entry_point: EntryPoint
    tooi: Annotated[str | None, Absent]
    cbs_code: Annotated[str | None, Absent]
    kvk: Annotated[str | None, Absent]
    source: str

    @property
    def admission(self) -> OrganisationAdmitted:
        """The operator's submission for the party; unknown identifiers are absent."""
        known = {"tooi": self.tooi, "cbs_code": self.cbs_code, "kvk": self.kvk}
        return OrganisationAdmitted(
            oin=self.oin,
            name=self.name,
            kind=self.kind,
            roles=(self.roles,) if self.roles else (),
            memberships=self._memberships,
            **{name: value for name, value in known.items() if value},
        )

    @property
    def _memberships(self) -> tuple[Membership, ...]:
        if self.network is None or self.member_since is None:
            return ()
        return (Membership(network=self.network, period=Period(start=self.member_since)),)


class Tranche(Row):
    """One round of the Regio Deals, as a programme."""

    tranche: int
    name: str
    ceiling_eur: int
    instrument: Instrument
    legal_basis: str
    start: date
    distribution_method: DistributionMethod
    decided_on: date
    note: str
    source: str


class Deal(Row):
    """A Regio Deal. ``cashier`` is the applying party, always a stand-in.

    ``requested_eur`` is None if only the granted amount is known; ``granted_eur`` is None for a refused deal.
    """

    tranche: int
    deal: str
    cashier: str
    requested_eur: Annotated[int | None, Absent]
    granted_eur: Annotated[int | None, Absent]
    evidence: Literal["sourced", "derived", "invented"]
    note: str
    source: str


class Step(Row):
    """One milestone of a rollout, with the history until now."""

    milestone: Slug
    planned: date
    rescheduled: date | None = None
    reached: date | None = None
    missed: bool = False
    because: str | None = None


class Adoption(Row):
    adopter: str
    steps: tuple[Step, ...]


class Idea(Row):
    """An invented initiative with milestones by name and adopting cities."""

    key: Slug
    title: str
    theme: Theme
    lead: str
    phase: Phase
    moves_to: Phase | None = None
    summary: str
    partners: tuple[str, ...] = ()
    costs_eur: Mapping[CostCategory, int]
    period: Period
    milestones: Mapping[Slug, str]
    rollouts: tuple[Adoption, ...]


@dataclass(frozen=True)
class Sample:
    parties: Mapping[str, Party]
    tranches: tuple[Tranche, ...]
    deals: tuple[Deal, ...]
    ideas: tuple[Idea, ...]

    @classmethod
    def read(cls) -> Self:
        parties = _read_table(Party, "parties.csv")
        lines = (DATA / "initiatives.ndjson").read_bytes().splitlines()
        return cls(
            parties={party.key: party for party in parties},
            tranches=tuple(_read_table(Tranche, "programmes.csv")),
            deals=tuple(_read_table(Deal, "deals.csv")),
            ideas=tuple(Idea.model_validate_json(line) for line in lines),
        )

    @cached_property
    def ceiling_of(self) -> Mapping[str, int]:
        """Ceiling of each programme, in euro cents."""
        return {tranche.name: 100 * tranche.ceiling_eur for tranche in self.tranches}


def _read_table(row: type[AnyRow], name: str) -> list[AnyRow]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        cells: csv.DictReader[Any] = csv.DictReader(file)
        return [row.model_validate(each) for each in cells]
