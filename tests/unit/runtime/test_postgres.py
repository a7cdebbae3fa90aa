"""An unreachable server is not asked by every connection at once."""

from typing import Any

import asyncpg
import pytest
from samenspel.runtime.postgres import ConnectBackoff


@pytest.fixture
def knocks(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    """The server's answers in order; None is a connection."""
    answers: list[Exception | None] = []

    async def connect(*arguments: Any, **settings: Any) -> str:
        if answer := answers.pop(0):
            raise answer
        return "connected"

    monkeypatch.setattr(asyncpg, "connect", connect)
    return answers


@pytest.mark.parametrize("refusal", [ConnectionRefusedError(), asyncpg.CannotConnectNowError("starting up")])
async def test_connection_after_a_refusal_is_refused_at_once(
    refusal: Exception, knocks: list[Exception | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    knock: Any = ConnectBackoff()
    knocks += [refusal, None]
    with pytest.raises(type(refusal)):
        await knock()
    with pytest.raises(ConnectionRefusedError, match="a moment ago"):
        await knock()
    assert knocks == [None], "it was not asked"
    monkeypatch.setattr(knock, "_retry_at", 0.0)
    assert await knock() == "connected"


async def test_wrong_credentials_are_reported_each_time(knocks: list[Exception | None]) -> None:
    knock: Any = ConnectBackoff()
    knocks += [asyncpg.InvalidPasswordError("no"), asyncpg.InvalidPasswordError("no")]
    for _ in range(2):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await knock()
    assert not knocks
