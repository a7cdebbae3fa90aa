"""Fail points do nothing unless replaced by a test."""

from samenspel.runtime import failpoints


def test_fail_point_without_a_replacement_has_no_effect() -> None:
    failpoints.reached("any.point")
