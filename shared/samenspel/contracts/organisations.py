"""Organisations: identifiers, roles, and memberships of networks with dates."""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from samenspel.contracts.values import Line, Model, Oin, Period, PublishedLine, Version

Kind = Literal["municipality", "ministry", "province", "region", "association", "network-organisation"]
Role = Literal["operator", "grant-authority"]
"""Additional permission: run the system (operator), or open programmes and decide on applications."""
Tooi = Annotated[str, StringConstraints(pattern=r"^https://identifier\.overheid\.nl/tooi/id/[!-~]+$", max_length=200)]
"""Address of the organisation in TOOI, the Dutch government's register of its own organisations."""

OPERATOR: Final = "00000099000000000001"
"""Default OIN of the operator: a test number."""


class Membership(Model):
    """Membership of a network for a period: G40 had 40 members in 2018 and has 41 members since 2022."""

    network: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{2,20}$")]
    period: Period

    def includes(self, day: date) -> bool:
        return self.period.start <= day and (self.period.end is None or day <= self.period.end)


class _Organisation(Model):
    oin: Oin
    name: PublishedLine
    kind: Kind
    roles: tuple[Role, ...] = ()
    memberships: tuple[Membership, ...] = Field(default=(), max_length=20)
    tooi: str | None = None
    cbs_code: Annotated[str, StringConstraints(pattern=r"^GM[0-9]{4}$")] | None = None
    kvk: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] | None = None


class _StatedOrganisation(_Organisation):
    name: Line
    tooi: Tooi | None = None


class OrganisationAdmitted(_StatedOrganisation):
    """The operator admits an organisation."""


class OrganisationChanged(_StatedOrganisation):
    """The operator replaces the description of an organisation: name, roles and memberships, in full."""

    based_on_version: Version


class Organisation(_Organisation):
    """Public state ``organisation.v1``. Subject and lane key: ``oin``."""

    version: Version
