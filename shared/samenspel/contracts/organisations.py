"""Organisations: who takes part, in which roles, and in which networks since when."""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from samenspel.contracts.values import Line, Model, Oin, Period, Version

Kind = Literal["municipality", "ministry", "province", "region", "association", "network-organisation"]
Role = Literal["operator", "grant-authority"]
"""What an organisation may do beyond taking part: run the system, or open programmes and decide on them."""


OPERATOR: Final = "00000099000000000001"
"""The OIN of whoever runs a system that was told of no other: a number for tests."""


class Membership(Model):
    """A network that the organisation belongs to for a time: G40 had 40 members in 2018 and has 41 since 2022."""

    network: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{2,20}$")]
    period: Period

    def holds_on(self, day: date) -> bool:
        return self.period.start <= day and (self.period.end is None or day <= self.period.end)


class _Organisation(Model):
    oin: Oin
    name: Line
    kind: Kind
    roles: tuple[Role, ...] = ()
    memberships: tuple[Membership, ...] = Field(default=(), max_length=20)
    tooi: Annotated[str, StringConstraints(pattern=r"^https://identifier\.overheid\.nl/tooi/id/.+$")] | None = None
    cbs_code: Annotated[str, StringConstraints(pattern=r"^GM[0-9]{4}$")] | None = None
    kvk: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] | None = None


class OrganisationAdmitted(_Organisation):
    """The operator states that an organisation takes part from now on."""


class OrganisationChanged(_Organisation):
    """The operator states an organisation's new name, roles or memberships, whole."""

    based_on_version: Version


class Organisation(_Organisation):
    """Public state ``organisation.v1``; the subject is its OIN."""

    version: Version
