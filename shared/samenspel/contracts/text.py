"""Characters of text that act on a reader's screen: which ones are refused, and how the others are shown.

Control characters (Unicode category Cc: C0, DELETE and C1) move the cursor, clear the screen or write the clipboard.
Bidirectional formatting (Unicode Annex 9 §2) shows text in another order than the text has. Line and paragraph
separators (U+2028, U+2029) start a line. Each constant is the inside of a character class, in the syntax that
ECMA-262, Rust and Python share.
"""

import re
from typing import Final

CONTROL: Final = r"\u0000-\u001f\u007f-\u009f"
CONTROL_EXCEPT_NEWLINE_AND_TAB: Final = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"
REORDERING: Final = r"\u202a-\u202e\u2066-\u2069"
"""Embeddings, overrides and isolates: no text in Dutch or another language requires these characters."""
SEPARATORS: Final = r"\u2028\u2029"
SPACES: Final = r" \u00a0\u00ad\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff"
"""Characters that leave no mark: a text of these characters alone is blank."""
_MARKS: Final = r"\u061c\u200e\u200f"
_INVISIBLE: Final = r"\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
_ACTING: Final = re.compile(f"[{CONTROL}{REORDERING}{SEPARATORS}{_MARKS}{_INVISIBLE}]")
_SYMBOLS: Final = {**{code: chr(0x2400 + code) for code in range(0x20)}, 0x7F: "\u2421"}
"""Unicode's control pictures, block U+2400."""


def with_symbols(text: str, *, keep: str = "") -> str:
    """The text on which no character acts: a symbol for each C0 control, ``<U+202E>`` for each other one.

    ``keep`` lists characters that stay. The result without ``keep`` is one line.
    """
    return _ACTING.sub(lambda found: found[0] if found[0] in keep else _symbol(found[0]), text)


def with_escapes(json_text: str) -> str:
    r"""The same JSON value, as text on which no character acts: ``\u009b`` for a C1 control (RFC 8259 §7).

    Line feeds and tabs between the values stay.
    """
    return _ACTING.sub(lambda found: found[0] if found[0] in "\n\r\t" else _escape(found[0]), json_text)


def _symbol(character: str) -> str:
    code = ord(character)
    return _SYMBOLS.get(code, f"<U+{code:04X}>")


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
