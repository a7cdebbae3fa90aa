"""Strict JSON (RFC 8259): input that parsers usually accept or repair silently is reported as a problem."""

import json
import re
from typing import Any, Final

import orjson

from samenspel.contracts.problems import Code, Problem, Rejected, pointer

DEPTH_MAX: Final = 64
"""Nesting levels of objects and arrays; the models of the catalogue have five."""
_NESTED: Final = (dict, list)
_QUOTE_THEN_SPACE: Final = re.compile(rb'"[ \t\r\n]')


def parse(text: bytes) -> Any:
    """The value of a JSON text. Raises `Rejected` (``not-utf-8``, ``not-json``)."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Rejected(_decode_problem(text, error)) from None
    if text.count(b"[") + text.count(b"{") > DEPTH_MAX and _is_too_deep(value):
        raise Rejected(not_json(f"objects and arrays are nested more than {DEPTH_MAX} levels deep"))
    return value


def _decode_problem(text: bytes, error: orjson.JSONDecodeError) -> Problem:
    try:
        text.decode()
    except UnicodeDecodeError as undecodable:
        return _problem("not-utf-8", str(undecodable), "Encode the text as UTF-8.")
    return not_json(str(error))


def not_json(detail: str) -> Problem:
    return _problem("not-json", detail, "Send one JSON value (RFC 8259) with finite numbers.")


def duplicated_key(text: bytes, parsed: Any) -> Problem | None:
    """The problem of a key that occurs twice in one object; ``parsed`` is the result of `parse` for ``text``.

    Parsers silently keep the last of two equal keys. Every key is followed by a colon. If the number of ``":`` equals
    the number of keys in the parsed value, no key was lost. Only a difference requires a check pair by pair.
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
        fix="Send each key once.",
    )


def _is_too_deep(value: Any) -> bool:
    """Whether the value exceeds `DEPTH_MAX`. Not recursive: deep input would exceed Python's recursion limit."""
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
