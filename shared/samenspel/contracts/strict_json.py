"""JSON as RFC 8259 has it, one meaning per text: what parsers let pass, or mend in silence, is a problem here."""

import json
import re
from typing import Any, Final

import orjson

from samenspel.contracts.problems import Code, Problem, Rejected, pointer

DEPTH_MAX: Final = 64
"""Objects and arrays within each other; what we exchange has five."""
_NESTED: Final = (dict, list)
_QUOTE_THEN_SPACE: Final = re.compile(rb'"[ \t\r\n]')


def parse(text: bytes) -> Any:
    """The value that this text stands for. Raises `Rejected` (``not-utf-8``, ``not-json``)."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Rejected(_why_not(text, error)) from None
    if text.count(b"[") + text.count(b"{") > DEPTH_MAX and _is_too_deep(value):
        raise Rejected(not_json(f"nested more than {DEPTH_MAX} deep"))
    return value


def _why_not(text: bytes, error: orjson.JSONDecodeError) -> Problem:
    try:
        text.decode()
    except UnicodeDecodeError as undecodable:
        return _problem("not-utf-8", str(undecodable), "Encode it as UTF-8.")
    return not_json(str(error))


def not_json(detail: str) -> Problem:
    return _problem("not-json", detail, "Send one JSON value (RFC 8259), its numbers finite.")


def duplicated_key(text: bytes, parsed: Any) -> Problem | None:
    """The problem with a key that occurs twice in one object; ``parsed`` is what `parse` made of ``text``.

    Parsers keep the last of two equal keys, silently. Every key is followed by a colon, so as many ``":`` as the
    parsed value has keys means that none was lost; only when they differ is it looked at pair by pair.
    """
    if text.count(b'":') == _keys_in(parsed) and not _QUOTE_THEN_SPACE.search(text):
        return None
    key = _first_duplicate(text)
    if key is None:
        return None
    return Problem(
        code="duplicate-key",
        field=pointer([key[:100]]),
        detail="this key occurs twice in one object",
        fix="Send each key once; which of the two was meant cannot be known.",
    )


def _is_too_deep(value: Any) -> bool:
    """Level by level, because recursion ends before the deepest text does."""
    level = [value]
    for _ in range(DEPTH_MAX):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [child for children in inner for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _keys_in(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum([_keys_in(item) for item in value.values() if isinstance(item, _NESTED)])
    if isinstance(value, list):
        return sum([_keys_in(item) for item in value if isinstance(item, _NESTED)])
    return 0


def _first_duplicate(text: bytes) -> str | None:
    duplicates: list[str] = []

    def pairs_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                duplicates.append(key)
            seen[key] = value
        return seen

    json.loads(text, object_pairs_hook=pairs_of)
    return duplicates[0] if duplicates else None


def _problem(code: Code, detail: str, fix: str) -> Problem:
    return Problem(code=code, field="/", detail=detail, fix=fix)
