"""A funding round for each test of the running service."""

import pytest

from tests.conftest import Admit
from tests.support.events import new_id
from tests.support.funding_round import Round


@pytest.fixture
async def round(organisation: Admit) -> Round:
    """A round without an opened programme."""
    return Round(await organisation(kind="ministry", roles=("grant-authority",)), await organisation(), new_id())
