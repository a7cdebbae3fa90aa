"""The digest: one number that two copies of a lane share exactly when they hold the same aggregates.

A lane's digest is the sum, modulo 2²⁵⁶, of ``H`` over its live aggregates. Because it is a sum it does not depend
on the order in which aggregates came, and replacing one costs one subtraction and one addition. It detects faults;
it does not defend against an owner who forges on purpose.
"""

from hashlib import sha256
from typing import Final

MODULUS: Final = 1 << 256
REMOVED: Final = 0
"""``H`` of an aggregate that was removed, and of one that never was."""


def state_hash(aggregate: bytes, subject: bytes, value: bytes) -> int:
    """``H = SHA-256(len(aggregate) ‖ aggregate ‖ len(subject) ‖ subject ‖ value)``, lengths as 8 bytes big-endian.

    ``value`` is the Kafka record's value, byte for byte.
    """
    framed = b"".join((len(aggregate).to_bytes(8, "big"), aggregate, len(subject).to_bytes(8, "big"), subject, value))
    return int.from_bytes(sha256(framed).digest(), "big")


def replaced(digest: int, old: int, new: int) -> int:
    """The lane's digest after an aggregate's ``H`` went from ``old`` to ``new``."""
    return (digest - old + new) % MODULUS


def to_hex(digest: int) -> str:
    """64 hex digits, as in ``ce_statedigest``."""
    return f"{digest:064x}"
