"""Media types are compared without case and parameters, whatever their length."""

import pytest
from samenspel.contracts.media_types import BATCH, media_type


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"Application/CloudEvents-Batch+JSON; charset=UTF-8", BATCH),
        ("application/cloudevents-batch+json", BATCH),
        (b" application/json ;x", "application/json"),
        (b"", ""),
        (b"\xff\xfe", "ÿþ"),
    ],
)
def test_type_and_subtype_are_in_lower_case_without_parameters(given: bytes | str, expected: str) -> None:
    assert media_type(given) == expected


def test_huge_value_is_cut() -> None:
    assert len(media_type(b"x" * 1_000_000)) < 1_000
