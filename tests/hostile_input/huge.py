"""Hostile content of up to 900 kB. Quoted whole, the problems would exceed a receipt."""

from collections.abc import Mapping
from typing import Any, Final

HUGE: Final[Mapping[str, tuple[dict[str, str], dict[str, Any]]]] = {
    "an id of 900 kB": ({"id": "~" * 900_000}, {}),
    "a source of 900 kB": ({"source": "~" * 900_000}, {}),
    "a source of 900,000 control characters": ({"source": "\x01" * 900_000}, {}),
    "a type of 900 kB": ({"type": "~" * 900_000}, {}),
    "a type of 100,000 wheels": ({"type": "\U0001f6b2" * 100_000}, {}),
    "an attribute name of 900 kB": ({"~" * 900_000: "x"}, {}),
    "an attribute name of 900,000 letters": ({"x" * 900_000: "x"}, {}),
    "a field name of 45 kB": ({}, {"~" * 45_000: 1}),
    "100 field names of 400 slashes": ({}, {f"{number:03d}" + "/" * 400: 1 for number in range(100)}),
    "100 field names of 70 control characters": ({}, {f"{number:03d}" + "\x01" * 70: 1 for number in range(100)}),
    "100 invisible values": ({}, {"partners": ["\u009f\u200b" * 80] * 100}),
    "100 values of wheels": ({}, {"partners": ["\U0001f6b2" * 112] * 100}),
    "1,000 unknown fields": ({}, {f"x{number}": 1 for number in range(1_000)}),
    "a text of 45 kB": ({}, {"title": "\x01" * 7_500}),
}
"""Attributes and fields of events with problems larger than a receipt, if quoted whole."""
