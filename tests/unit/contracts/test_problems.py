"""Problems of a model: stable codes, JSON pointers, and a bounded text."""

import pytest
from pydantic import ValidationError
from samenspel.contracts.problems import (
    DETAIL_CHARS_MAX,
    FIELD_CHARS_MAX,
    PROBLEMS_MAX,
    Problem,
    Rejected,
    not_permitted,
    pointer,
    problems_of,
    unknown,
)
from samenspel.contracts.values import Model, Period


class Example(Model):
    title: str
    period: Period | None = None


def found_in(text: str) -> list[Problem]:
    with pytest.raises(ValidationError) as refusal:
        Example.model_validate_json(text)
    return list(problems_of(refusal.value))


@pytest.mark.parametrize(
    ("path", "text"), [((), ""), (("period", "end"), "/period/end"), (("a/b~c", 0), "/a~1b~0c/0")]
)
def test_pointer_escapes_the_signs_of_rfc_6901(path: tuple[str | int, ...], text: str) -> None:
    assert pointer(path) == text


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("{}", "missing-field", "/title"),
        ('{"title": "x", "colour": 1}', "unknown-field", "/colour"),
        ('{"title": 7}', "invalid-field", "/title"),
        ('{"title": "x", "period": {"start": "x"}}', "invalid-field", "/period/start"),
        ("[]", "invalid-field", "/"),
        ("{", "not-json", "/"),
    ],
)
def test_model_error_becomes_a_problem_with_code_and_field(text: str, code: str, field: str) -> None:
    [problem] = found_in(text)
    assert (problem.code, problem.field) == (code, field)
    assert problem.detail and problem.fix


def test_problem_shows_the_wrong_value_cut_to_its_limit() -> None:
    [problem] = found_in('{"title": "x", "period": {"start": "' + "y" * 5_000 + '"}}')
    assert "yyy" in problem.detail
    assert len(problem.detail) <= DETAIL_CHARS_MAX


def test_problem_with_a_long_field_name_is_cut_to_its_limit() -> None:
    [problem] = found_in('{"title": "x", "' + "y" * 5_000 + '": 1}')
    assert len(problem.field) == FIELD_CHARS_MAX


def test_rejection_names_the_field_and_detail_of_each_problem() -> None:
    problems = unknown("unknown-programme", "programme_id", "a programme"), not_permitted("not yours")
    refusal = Rejected(*problems)
    assert [problem.field for problem in refusal.problems] == ["/programme_id", "/"]
    assert all(f"{problem.field}: {problem.detail}" in str(refusal) for problem in problems)


def test_rejection_keeps_the_first_problems_and_counts_the_others() -> None:
    many = [not_permitted(str(number)) for number in range(PROBLEMS_MAX + 3)]
    refusal = Rejected(*many, left_out=7)
    assert (list(refusal.problems), refusal.left_out) == (many[:PROBLEMS_MAX], 10)
    assert Rejected(*many[:PROBLEMS_MAX]).left_out == 0
