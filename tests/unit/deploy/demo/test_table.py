"""The end of the demo: amounts in millions_of_euros, and commands to try."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.demo.sample import Sample
from deploy.demo.table import millions_of_euros, next_commands

UTRECHT = Sample.read().parties["Utrecht"]


@pytest.mark.parametrize(
    ("cents", "shown"), [(28_420_000_000, "€ 284.2 M"), (123_456_000_000, "€ 1,234.6 M"), (0, "€ 0.0 M")]
)
def test_amount_is_shown_in_millions(cents: int, shown: str) -> None:
    assert millions_of_euros(cents) == shown


@pytest.mark.parametrize("refusals", [[], [("application", "full"), ("another", "full")]])
def test_commands_to_try_submit_read_and_explain(refusals: list[tuple[str, str]]) -> None:
    story: Any = SimpleNamespace(
        witness=UTRECHT,
        replicas=SimpleNamespace(file_of=lambda party: Path("utrecht.db")),
        refusals=lambda: refusals,
    )
    commands = list(next_commands(story))
    assert commands[0].endswith(f"samenspel emit - --as {UTRECHT.oin} --wait")
    assert commands[1] == f"samenspel replica sync --db utrecht.db --as {UTRECHT.oin}"
    assert commands[2:] == ["samenspel funding explain application"][: len(refusals)]
