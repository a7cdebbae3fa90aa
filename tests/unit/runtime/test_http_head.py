"""A request head that a proxy may read in another way is refused, with its own status."""

import pytest
from samenspel.runtime.http_head import TARGET_BYTES_MAX, refusal_of_head

HOST = [(b"host", b"registry.example:8443")]


@pytest.mark.parametrize(
    ("version", "target", "fields"),
    [
        ("1.1", b"/v1/initiatives?after=x%2Fy%00", HOST),
        ("1.1", b"/v1/schemas/submissions/initiative-registered.v1.json", HOST),
        ("1.1", b"/caf%C3%A9", HOST),
        ("1.1", b"http://registry.example/v1/initiatives", HOST),
        ("1.1", b"*", HOST),
        ("1.1", b"/", [(b"host", b"[2001:db8::1]:80")]),
        ("1.1", b"/", [(b"host", b"")]),
        ("1.1", b"/" + b"p" * (TARGET_BYTES_MAX - 1), HOST),
        ("1.0", b"/livez", []),
        ("1.1", b"/v1/events", [*HOST, (b"transfer-encoding", b"Chunked")]),
    ],
)
def test_head_that_the_specification_allows_is_accepted(
    version: str, target: bytes, fields: list[tuple[bytes, bytes]]
) -> None:
    assert refusal_of_head(version, target, fields) is None


@pytest.mark.parametrize(
    ("version", "target", "fields", "status"),
    [
        ("0.9", b"/livez", [], 505),
        ("2.0", b"/livez", HOST, 505),
        ("1.1", b"/livez", [], 400),
        ("1.1", b"/livez", [*HOST, *HOST], 400),
        ("1.0", b"/livez", [*HOST, (b"host", b"other")], 400),
        ("1.1", b"/livez", [(b"host", b"a b")], 400),
        ("1.1", b"/livez", [(b"host", b"user@registry.example")], 400),
        ("1.1", b"/livez", [(b"host", b"registry.example/path")], 400),
        ("1.0", b"/v1/events", [*HOST, (b"transfer-encoding", b"chunked")], 400),
        ("1.1", b"/v1/events", [*HOST, (b"transfer-encoding", b"gzip, chunked")], 501),
        ("1.1", b"/v1/events", [*HOST, (b"transfer-encoding", b"identity")], 501),
        ("1.1", b"/v1/events", [*HOST, *[(b"transfer-encoding", b"chunked")] * 2], 501),
        ("1.1", b"/v1%2finitiatives", HOST, 400),
        ("1.1", b"/v1%2Finitiatives", HOST, 400),
        ("1.1", b"/v1%5Cinitiatives", HOST, 400),
        ("1.1", b"/v1\\initiatives", HOST, 400),
        ("1.1", b"/v1/initiatives/%00", HOST, 400),
        ("1.1", b"/v1/initiatives/%0d%0a", HOST, 400),
        ("1.1", b"/v1/initiatives/%ff", HOST, 400),
        ("1.1", b"/" + b"p" * TARGET_BYTES_MAX, HOST, 414),
        ("1.1", b"/?" + b"q" * TARGET_BYTES_MAX, HOST, 414),
    ],
)
def test_ambiguous_or_oversized_head_is_refused(
    version: str, target: bytes, fields: list[tuple[bytes, bytes]], status: int
) -> None:
    refusal = refusal_of_head(version, target, fields)
    assert refusal is not None
    assert refusal.status == status
    assert refusal.reason
