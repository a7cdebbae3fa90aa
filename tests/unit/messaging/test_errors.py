"""Errors of messaging: a diverged lane is named, and the error ends without an operator's repair of the sender."""

from samenspel.messaging.errors import TRANSIENT, LaneDiverged


def test_a_diverged_lane_is_named_in_its_error() -> None:
    error = LaneDiverged({("samenspel.organisations", 3), ("samenspel.organisations", 1)}, [])
    assert str(error).endswith(": samenspel.organisations/1, samenspel.organisations/3")
    assert isinstance(error, TRANSIENT)
