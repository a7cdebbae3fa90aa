"""What a door says when it refuses, told in one sentence."""

import pytest
from samenspel.client.submit.http import refusal_text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"detail": "doors are closed"}', "doors are closed"),
        (
            b'{"detail": "2 problem(s)", "errors": [{"detail": "no title"}, {"detail": "no theme"}]}',
            "no title; no theme",
        ),
        (b"<html>Bad Gateway</html>", "no reason given"),
        (b"[]", "no reason given"),
        (b'{"status": 502}', "no reason given"),
        (b'{"errors": [{"code": "x"}]}', "no reason given"),
        (b'{"errors": 7}', "no reason given"),
        (b"", "no reason given"),
    ],
)
def test_the_reasons_and_the_status(content: bytes, told: str) -> None:
    assert refusal_text(502, content) == f"{told} (HTTP 502)"
