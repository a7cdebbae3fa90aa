"""Bodies of the operator's requests: text that PostgreSQL cannot store and a terminal would obey is refused."""

import pytest
from pydantic import TypeAdapter, ValidationError
from samenspel.messaging.operator.requests import ActionRequest, NewTimelineRequest, RowNumber


@pytest.mark.parametrize("why", ["repaired\n\tby hand", "é", "x" * 1_000])
def test_reason_is_text(why: str) -> None:
    assert ActionRequest(action="discard", why=why).why == why


@pytest.mark.parametrize("why", ["a\x00b", "a\x1b]52;b", "\x7f", "\x85", "x" * 1_001])
def test_reason_with_control_characters_or_of_any_length_is_refused(why: str) -> None:
    for body in ({"lane": "x/0", "why": why}, {"lane": why, "why": "lost"}):
        with pytest.raises(ValidationError):
            NewTimelineRequest.model_validate(body)
    with pytest.raises(ValidationError):
        ActionRequest.model_validate({"action": "retry", "why": why})


@pytest.mark.parametrize("why", ["", " ", "\n"])
def test_discarded_record_and_new_timeline_need_a_reason(why: str) -> None:
    with pytest.raises(ValidationError):
        ActionRequest.model_validate({"action": "discard", "why": why})
    with pytest.raises(ValidationError):
        NewTimelineRequest.model_validate({"lane": "x/0", "why": why})
    assert ActionRequest.model_validate({"action": "retry", "why": why}).why == why


@pytest.mark.parametrize(("number", "is_valid"), [(0, True), (2**63 - 1, True), (2**63, False), (-1, False)])
def test_number_of_a_row_fits_the_database(number: int, is_valid: bool) -> None:
    try:
        TypeAdapter(RowNumber).validate_python(number)
    except ValidationError:
        assert not is_valid
    else:
        assert is_valid
