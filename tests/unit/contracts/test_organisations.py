"""Memberships of an organisation hold on every day of the period, the last day included."""

from datetime import date

import pytest
from samenspel.contracts.organisations import Membership
from samenspel.contracts.values import Period

CLOSED = Membership(network="G40", period=Period(start=date(2018, 1, 1), end=date(2021, 12, 31)))
OPEN = Membership(network="G40", period=Period(start=date(2022, 1, 1)))


@pytest.mark.parametrize(
    ("membership", "day", "holds"),
    [
        (CLOSED, date(2017, 12, 31), False),
        (CLOSED, date(2018, 1, 1), True),
        (CLOSED, date(2021, 12, 31), True),
        (CLOSED, date(2022, 1, 1), False),
        (OPEN, date(2021, 12, 31), False),
        (OPEN, date(2100, 1, 1), True),
    ],
)
def test_membership_holds_from_first_to_last_day_of_its_period(
    membership: Membership, day: date, holds: bool
) -> None:
    assert membership.includes(day) is holds
