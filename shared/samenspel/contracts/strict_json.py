"""Strict and bounded JSON (RFC 8259): the only parser of JSON from other organisations.

Input that parsers usually accept or repair silently is reported as a problem. A byte order mark is ignored
(RFC 8259 §8.1). Bytes and values are counted before the parser creates objects: one byte of JSON may become 35 bytes
of objects, and one invalid value a problem of 500 bytes.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from samenspel.contracts.problems import Code, Problem, Rejected, pointer

TEXT_BYTES_MAX: Final = 1_048_576
"""Bytes of one text; equal to the limit on an HTTP body."""
DEPTH_MAX: Final = 64
"""Nesting levels of objects and arrays; the models of the catalogue have five."""
VALUES_MAX: Final = 2_000
"""Values in the data of one submission or request. The largest valid submission has about 130 values."""
SEPARATORS_MAX: Final = 50_000
"""Commas and opening brackets in the text of one event. Valid data has at most 48,000 bytes, so never this many."""
BOM: Final = b"\xef\xbb\xbf"
_NESTED: Final = (dict, list)
_QUOTE_THEN_SPACE: Final = re.compile(rb'"[ \t\r\n]')


def parse(text: bytes) -> Any:
    """The value of a JSON text. Raises `Rejected` (``duplicate-key``, and the codes of `decode`)."""
    value = decode(text)
    if duplicate := duplicated_key(text, value):
        raise Rejected(duplicate)
    return value


def decode(
    text: bytes,
    depth_max: int = DEPTH_MAX,
    separators_max: int = SEPARATORS_MAX,
    bytes_max: int = TEXT_BYTES_MAX,
) -> Any:
    """The value of a JSON text, without the check of `duplicated_key`.

    Raises `Rejected` (``not-utf-8``, ``not-json``, ``submission-too-large``).
    """
    text = without_bom(text)
    if len(text) > bytes_max:
        raise Rejected(too_large(f"the text has {len(text):,} bytes; the maximum is {bytes_max:,}"))
    if len(text) > separators_max and _separators_in(text) > separators_max:
        raise Rejected(too_large(f"the text has more than {separators_max:,} commas and brackets"))
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Rejected(_decode_problem(text, error)) from None
    if text.count(b"[") + text.count(b"{") > depth_max and is_deeper(value, depth_max):
        raise Rejected(too_deep())
    return value


def without_bom(text: bytes) -> bytes:
    """The text without a leading byte order mark, which RFC 8259 §8.1 allows to ignore."""
    return text[len(BOM) :] if text.startswith(BOM) else text


def not_json(detail: str, fix: str = "Send one JSON value (RFC 8259) with finite numbers.") -> Problem:
    return _problem("not-json", detail, fix)


def too_large(detail: str) -> Problem:
    return _problem("submission-too-large", detail, "Shorten the data, and link to large documents.")


def too_deep() -> Problem:
    return not_json(f"objects and arrays are nested more than {DEPTH_MAX} levels deep")


def require_few_values(text: bytes, value: Any) -> None:
    """Raises `Rejected` if the value of ``text`` has more than `VALUES_MAX` values. Keys are not counted."""
    # A value takes two bytes or more, with its separator.
    if len(text) > 2 * VALUES_MAX and _separators_in(text) > VALUES_MAX and _has_more_values(value, VALUES_MAX):
        raise Rejected(too_large(f"the data has more than {VALUES_MAX:,} values"))


def duplicated_key(text: bytes, parsed: Any) -> Problem | None:
    """The problem of a key that occurs twice in one object; ``parsed`` is the result of `decode` for ``text``.

    Parsers silently keep the last of two equal keys. Every key is followed by a colon. If the number of ``":`` equals
    the number of keys in the parsed value, no key was lost. Only a difference requires a check pair by pair.
    """
    return None if _has_all_keys(text, parsed) else _duplicate_in(_load_with_duplicates(text))


def has_same_keys(text: bytes, outer_keys: int, inner: bytes) -> bool:
    """Whether no key of the object ``text`` was lost; a quick check before `duplicated_key`.

    ``outer_keys`` is the number of keys of the object, and ``inner`` the `canonical` form of the only value with keys
    of its own. A colon after a quote is a key, or part of a string that both texts have: without escapes of the form
    ``\\u``, a string has at least as many in ``text`` as in ``inner``. Equal numbers therefore mean: the same keys.
    """
    return (
        text.count(b'":') == outer_keys + inner.count(b'":')
        and b"\\u" not in text
        and not _QUOTE_THEN_SPACE.search(text)
    )


def canonical(value: Any) -> bytes:
    """The shortest JSON text of a parsed value, with sorted keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def duplicated_keys(text: bytes, items: Sequence[Any]) -> Mapping[int, Problem]:
    """The problem of `duplicated_key` for each item of an array, by index; ``text`` is the text of the array."""
    if _has_all_keys(text, items):
        return {}
    problems = map(_duplicate_in, _load_with_duplicates(text))
    return {index: problem for index, problem in enumerate(problems) if problem}


def is_deeper(value: Any, depth_max: int) -> bool:
    """Whether the value has more nesting levels. Not recursive: deep input would exceed Python's recursion limit."""
    level = [value]
    for _ in range(depth_max):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, _NESTED)]
        level = [child for children in inner for child in children if isinstance(child, _NESTED)]
        if not level:
            return False
    return True


class _Ambiguous(dict[str, Any]):
    """An object in which ``key`` occurs twice."""

    key: str


def _load_with_duplicates(text: bytes) -> Any:
    """The value of the text, in which an object with a repeated key is an `_Ambiguous` object."""

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        ambiguous = _Ambiguous(members)
        ambiguous.key = _first_repeated(pairs)
        return ambiguous

    try:
        return json.loads(without_bom(text), object_pairs_hook=object_of)
    except RecursionError:
        raise Rejected(too_deep()) from None


def _first_repeated(pairs: Sequence[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise LookupError("no key is repeated")


def _duplicate_in(item: Any) -> Problem | None:
    """The problem of an outermost `_Ambiguous` object in the item."""
    nested = [item]
    while nested:
        value = nested.pop()
        if isinstance(value, _Ambiguous):
            return _duplicate(value.key)
        nested += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return None


def _has_all_keys(text: bytes, parsed: Any) -> bool:
    return text.count(b'":') == _keys_in(parsed) and not _QUOTE_THEN_SPACE.search(text)


def _keys_in(value: Any) -> int:
    number = 0
    nested = [value] if isinstance(value, _NESTED) else []
    for item in nested:  # The list grows while it is read. Recursion takes twice the time.
        children: Iterable[Any] = item
        if type(item) is dict:
            number += len(item)
            children = item.values()
        for child in children:
            if type(child) is dict or type(child) is list:
                nested.append(child)
    return number


def _has_more_values(value: Any, number: int) -> bool:
    nested = [value]
    for item in nested:  # The list grows while it is read.
        nested += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        if len(nested) > number:
            return True
    return False


def _separators_in(text: bytes) -> int:
    """Upper bound of the number of values in a JSON text, minus one."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _decode_problem(text: bytes, error: orjson.JSONDecodeError) -> Problem:
    try:
        text.decode()
    except UnicodeDecodeError as undecodable:
        detail = f"byte {undecodable.start} is not part of UTF-8 text ({undecodable.reason})"
        return _problem("not-utf-8", detail, "Encode the text as UTF-8.")
    return not_json(str(error))


def _duplicate(key: str) -> Problem:
    return Problem(
        code="duplicate-key",
        field=pointer([key[:100]]),
        detail=f"the key {repr(key[:60])[:62]} occurs twice in one object",
        fix="Send each key once.",
    )


def _problem(code: Code, detail: str, fix: str) -> Problem:
    return Problem(code=code, field="/", detail=detail, fix=fix)
