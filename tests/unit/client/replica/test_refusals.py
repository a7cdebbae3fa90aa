"""Refusals of a source that does not continue the file, in one sentence that names the way out."""

from samenspel.client.replica.refusals import OtherSystem


def test_refusal_names_the_lane_and_the_way_out_and_is_no_fault_of_the_environment() -> None:
    refusal = OtherSystem("samenspel.initiatives/0")
    assert str(refusal).startswith("this file is of another system: lane samenspel.initiatives/0 begins there")
    assert "sync --rebuild" in str(refusal)
    assert refusal.exit_code == 1
