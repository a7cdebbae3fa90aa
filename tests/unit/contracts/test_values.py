"""The small types of all models: periods, texts, money, links and identifiers."""

from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from samenspel.contracts.values import CENTS_MAX, Cents, CentsOrZero, Id, Line, Link, Oin, Period, Slug


@pytest.mark.parametrize("end", [None, date(2026, 1, 1), date(2026, 1, 2)])
def test_period_may_be_open_or_end_from_its_first_day_on(end: date | None) -> None:
    assert Period(start=date(2026, 1, 1), end=end).end == end


def test_period_that_ends_before_its_start_is_invalid() -> None:
    with pytest.raises(ValidationError, match="before the start"):
        Period(start=date(2026, 1, 2), end=date(2026, 1, 1))


@pytest.mark.parametrize(
    ("kind", "valid", "invalid"),
    [
        (Line, ["x", "é" * 200], ["", " \t", "a\x00b", "x" * 201]),
        (Oin, ["00000099000000000344"], ["344", "0000009900000000034x", "000000990000000003441"]),
        (Id, ["5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"], ["5E6A2F6B-9C1A-4A53-9D0E-0C8F8F2A1B44", "5e6a2f6b"]),
        (Slug, ["energy-transition", "a1"], ["Energy", "-a", "a--b", "a" * 61]),
        (Link, ["https://utrecht.example/x"], ["http://utrecht.example", "https://a b", "ftp://x"]),
        (Cents, [1, CENTS_MAX], [0, -1, CENTS_MAX + 1, 1.0, "1", True]),
        (CentsOrZero, [0, CENTS_MAX], [-1, CENTS_MAX + 1, 0.0]),
    ],
    ids=["Line", "Oin", "Id", "Slug", "Link", "Cents", "CentsOrZero"],
)
def test_type_takes_valid_values_and_refuses_others(kind: Any, valid: list[Any], invalid: list[Any]) -> None:
    adapter = TypeAdapter(kind)
    assert [adapter.validate_python(value, strict=True) for value in valid] == valid
    for value in invalid:
        with pytest.raises(ValidationError):
            adapter.validate_python(value, strict=True)
