"""Media types (RFC 9110 §8.3.1): compared without case and parameters, in one place for every entry point."""

from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_BYTES_MAX: Final = 256
"""Bytes that are read: no media type is longer (RFC 6838 §4.2), and the cache keeps few bytes."""


def media_type(value: bytes | str) -> str:
    """Type and subtype in lower case, without parameters; empty for an empty value."""
    return _media_type(value[:_BYTES_MAX])


@lru_cache(maxsize=64)
def _media_type(value: bytes | str) -> str:
    text = value if isinstance(value, str) else value.decode("latin-1")
    return text.partition(";")[0].strip().lower()
