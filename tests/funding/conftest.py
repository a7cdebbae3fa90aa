"""A funding round for each test of the running service."""

import pytest

from tests.conftest import Admit
from tests.funding.rounds import Round
from tests.kit.events import new_id


@pytest.fixture
async def round(organisation: Admit) -> Round:
    """One whose programme is still to be opened."""
    return Round(await organisation(kind="ministry", roles=("grant-authority",)), await organisation(), new_id())
