"""Statements whose cost may grow, with the reason. A reason that no statement needs is an error of its test."""

from collections.abc import Mapping
from typing import Final

_EACH_LANE: Final = "one row per lane: "

PLANS: Final[Mapping[str, str]] = {}
"""Statements with a plan that `tests.plans.rules` refuses."""
ROWS: Final[Mapping[str, str]] = {}
"""Statements that read more rows on a longer history."""
