"""Fixtures of the messaging tests: a decider that can miss a fact or break, and silent logs."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.support.deciders import Referring


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What breaks is logged with its whole traceback: that takes longer than all else here."""
    with capture_logs():
        yield


@pytest.fixture
def handlers() -> Referring:
    return Referring()
