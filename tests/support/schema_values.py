"""Values for comparing a model with the model's JSON Schema: valid ones, and valid ones with one change."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError as SchemaError
from jsonschema.validators import extend

SPECIAL: Final = (
    *("", " ", "0", "1", "-1", "86400", "1735689600", "1735689600000", "1e3", "NaN", "true", "null"),
    *("2026-01-01", "2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00", "2026-W01-1", "0000-01-01"),
    *("2026-01-01T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01T24:00:00Z"),
    *("2026-01-01T00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.1234567Z", "٢٠٢٦-01-01"),
    *(
        "00000099000000000344",
        "٠٠٠٠٠٠٩٩٠٠٠٠٠٠٠٠٠٣٤٤",
        "https://utrecht.example/",
        "http://utrecht.example/",
        "https://",
    ),
    *("https://a b", "https://é.example/", "\x1b[2J", "a\x00b", "a\x7fb", "a\x9bb", "a\r\nb", "a\nb", "a\tb"),
    *(
        "a\u2028b",
        "a\u202eb",
        "a\u2066b",
        "\u200b",
        "\u00a0",
        "\ufeff",
        "x" * 201,
        "x" * 4_001,
        "é" * 200,
        "\U0001f6b2",
    ),
    *("whsec_" + "A" * length for length in (24, 32, 33, 34, 35, 36, 84, 86, 88, 92)),
    *("whsec_" + "A" * 32 + "==", "whsec_" + "A" * 34 + "==", "whsec_" + "A" * 86 + "==", "whsec_" + "A" * 35 + "="),
)
"""Texts that parsers take for something else, or that differ between engines of regular expressions."""
ODD: Final = (None, True, False, 0, 1, -1, 2**31 - 1, 2**31, 2**63, 10**15, 10**15 + 1, 0.5, [], {}, [None], [[]])
replacements = st.one_of(
    st.sampled_from(SPECIAL), st.sampled_from(ODD), st.integers(-3, 10**16), st.text(max_size=8), st.just("\n")
)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[SchemaError]:
    """ECMA-262 semantics: ``$`` is the end of the text, and not the place before a last line feed."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield SchemaError(f"{instance!r} does not match {pattern!r}")


_CHECKER: Final = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
"""JSON Schema calls 1.0 an integer; an amount is written without fraction, so that no parser rounds the amount."""
_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern}, type_checker=_CHECKER)


_DAYS: Final = FormatChecker([])


@_DAYS.checks("date", ValueError)
@_DAYS.checks("date-time", ValueError)
def _is_in_the_calendar(value: object) -> bool:
    """Whether the day exists; the pattern in the schema describes the form."""
    return not isinstance(value, str) or bool(date.fromisoformat(value[:10]))


def judge(schema: Mapping[str, Any]) -> Any:
    """A validator of the schema that also requires days to exist in the calendar."""
    return _Validator(schema, format_checker=_DAYS)


def valid_values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that conform to a schema of the catalogue: its keywords are those that pydantic writes."""
    return _values(schema, schema.get("$defs", {}))


def _values(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return st.one_of([_values(each, definitions) for each in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if schema["type"] == "object":
        return _objects(schema, definitions)
    if schema["type"] == "array":
        return st.lists(_values(schema["items"], definitions), max_size=min(schema.get("maxItems", 3), 3))
    return _SCALARS[schema["type"]](schema)


def _objects(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    members = {name: _values(each, definitions) for name, each in schema.get("properties", {}).items()}
    required = {name: members[name] for name in schema.get("required", ())}
    optional = {name: each for name, each in members.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    longest, pattern = schema.get("maxLength", 100), schema.get("pattern")
    if schema.get("format") == "date":
        return st.dates().map(str)
    if pattern is None:
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=min(longest, 20))
    matching = st.from_regex(re.sub(r"\$$", r"\\Z", pattern)).map(lambda text: text[:longest])
    return matching.filter(re.compile(re.sub(r"\$$", r"\\Z", pattern)).search)


def _integers(schema: Mapping[str, Any]) -> st.SearchStrategy[int]:
    least = schema.get("minimum", schema.get("exclusiveMinimum", -(2**63)) + 1)
    return st.integers(least, schema.get("maximum", 2**63 - 1))


_SCALARS: Final[Mapping[str, Callable[[Mapping[str, Any]], st.SearchStrategy[Any]]]] = {
    "string": _texts,
    "integer": _integers,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value within ``value``, including the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, inner in items for place in places(inner, (*at, key)))]


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy of ``value`` with ``new`` at the place."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


def without(value: Any, place: tuple[Any, ...]) -> Any:
    """A copy of ``value`` without the member or element at the place."""
    if not place:
        return None
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = without(value[place[0]], place[1:])
    return copy


@st.composite
def changed_values(draw: st.DrawFn, schema: Mapping[str, Any], example: Any) -> Any:
    """A valid value or the example, with one value replaced, removed or added."""
    value = draw(st.one_of(st.just(example), valid_values(schema)))
    place = draw(st.sampled_from(places(value)))
    change = draw(st.sampled_from(("replace", "remove", "add")))
    if change == "replace":
        return replaced(value, place, draw(replacements))
    if change == "remove":
        return without(value, place)
    objects = [each for each in places(value) if isinstance(_at(value, each), dict)]
    at = draw(st.sampled_from(objects)) if objects else ()
    members = _at(value, at) if objects else {}
    return replaced(value, at, {**members, draw(st.text(max_size=5)): draw(replacements)})


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        value = value[step]
    return value
