"""Problems of funding: code and field of each kind."""

from services.funding.domain.problems import already_exists, invalid, missing


def test_problem_has_its_code_and_a_pointer_to_its_field() -> None:
    found = [
        already_exists("id", "programme", "P"),
        missing("period", "none", "Add it."),
        invalid("amount", "no", "Mend it."),
    ]
    assert [(each.code, each.field) for each in found] == [
        ("already-exists", "/id"),
        ("missing-field", "/period"),
        ("invalid-field", "/amount"),
    ]
    assert all(each.detail and each.fix for each in found)
