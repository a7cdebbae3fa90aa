"""The digest: a number that is equal for two replicas of a lane if and only if both contain the same aggregates.

A lane's digest is the sum, modulo 2²⁵⁶, of ``H`` over the live aggregates. A sum is independent of the order of
arrival, and a replaced aggregate costs one subtraction and one addition. The digest detects faults, not forgery: the
owner of a lane can publish forged events with a matching digest.
"""

import re
from hashlib import sha256
from typing import Final

MODULUS: Final = 1 << 256
REMOVED: Final = 0
"""``H`` of a removed aggregate, and of an aggregate that never existed."""

_HEX: Final = re.compile(rb"[0-9a-f]{64}")


def state_hash(aggregate: bytes, subject: bytes, value: bytes) -> int:
    """``H = SHA-256(len(aggregate) ‖ aggregate ‖ len(subject) ‖ subject ‖ value)``, lengths as 8 bytes big-endian.

    ``value`` is the Kafka record's value, byte for byte.
    """
    framed = b"".join((len(aggregate).to_bytes(8, "big"), aggregate, len(subject).to_bytes(8, "big"), subject, value))
    return int.from_bytes(sha256(framed).digest(), "big")


def replaced(digest: int, old: int, new: int) -> int:
    """The lane's digest after an aggregate's ``H`` changed from ``old`` to ``new``."""
    return (digest - old + new) % MODULUS


def to_hex(digest: int) -> str:
    """64 hex digits, as in ``ce_statedigest``."""
    return f"{digest:064x}"


def from_hex(text: bytes) -> int:
    """The digest in ``ce_statedigest``. Raises `ValueError` for a text that is not 64 lower-case hex digits."""
    if not _HEX.fullmatch(text):
        raise ValueError("statedigest is not 64 lower-case hex digits")
    return int(text, 16)
