"""The documented examples of attributes match their own schema."""

import pytest
from samenspel.contracts.attributes import CANONICAL, RECEIPT, Attribute

from tests.support.documented_attributes import assert_documented


@pytest.mark.parametrize("attributes", [CANONICAL, RECEIPT], ids=["canonical", "receipt"])
def test_documented_examples_match_their_schema(attributes: tuple[Attribute, ...]) -> None:
    assert_documented(attributes, [*((f"ce_{each.name}", each.example.encode()) for each in attributes), ("", b"")])
