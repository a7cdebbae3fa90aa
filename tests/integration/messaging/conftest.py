"""Fixtures of the messaging tests: a decider with missing aggregates or errors, and silent logs."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.support.deciders import Referring


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Errors are logged with the whole traceback, which would take longer than the test itself."""
    with capture_logs():
        yield


@pytest.fixture
def handlers() -> Referring:
    return Referring()
