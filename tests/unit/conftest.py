"""Fixtures of all unit tests: an environment without the settings of the developer's shell."""

import os

import pytest


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's environment variables about another system must not reach these tests."""
    for name in os.environ:
        if name.startswith("SAMENSPEL_"):
            monkeypatch.delenv(name)
