"""Limits: the problem and the refusal of a limit name the limit, its value and the way out."""

from samenspel.runtime.limits import STORED_BYTES, LimitReached


def test_refusal_names_limit_organisation_and_the_time_to_wait() -> None:
    refusal = LimitReached(STORED_BYTES, "00000099000000000344", 1_000_000, 12.5)
    assert (refusal.limit, refusal.organisation, refusal.retry_after_seconds) == (
        STORED_BYTES,
        "00000099000000000344",
        12.5,
    )
    assert str(refusal) == refusal.problem.detail
    assert "1,000,000 bytes" in str(refusal)
    assert refusal.problem.code == "limit-reached"


def test_setting_of_a_limit_has_the_default_and_a_lower_bound() -> None:
    field = STORED_BYTES.field()
    assert field.default == STORED_BYTES.default
    assert [each.ge for each in field.metadata if hasattr(each, "ge")] == [1]
