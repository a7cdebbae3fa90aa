"""The reference page lists every type, aggregate, attribute and problem code of the catalogue."""

import pytest
from samenspel.contracts.attributes import CANONICAL, RECEIPT, SUBMISSION
from samenspel.contracts.catalogue import AGGREGATES, EVENT_TYPES, SUBMISSIONS
from samenspel.contracts.problems import CODES
from samenspel.contracts.reference import page

PAGE = page()


@pytest.mark.parametrize("name", [*SUBMISSIONS, *AGGREGATES])
def test_submission_type_and_aggregate_have_a_section_of_their_own(name: str) -> None:
    assert f"\n### `{name}`\n" in PAGE


def test_event_types_codes_and_attributes_are_on_the_page() -> None:
    attributes = {each.name for each in (*SUBMISSION, *CANONICAL, *RECEIPT)}
    assert [name for name in (*EVENT_TYPES, *CODES, *attributes) if f"`{name}`" not in PAGE] == []
