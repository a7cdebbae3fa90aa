"""A single meaning per text: duplicate keys are found at any place and in any spelling."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.problems import Rejected
from samenspel.contracts.strict_json import (
    BOM,
    DEPTH_MAX,
    SEPARATORS_MAX,
    TEXT_BYTES_MAX,
    canonical,
    decode,
    duplicated_key,
    duplicated_keys,
    has_same_keys,
    parse,
)

KEYS = ["a", "b", "", '"', 'a":', ' "', ":", "\\", "é", "\t", "\u2028", "name"]
SPACES = ["", "", "", " ", "\t", "\r\n", "\n  "]


@dataclass(frozen=True)
class Pairs:
    """A JSON object as written: the members in order, equal keys included."""

    members: tuple[tuple[str, Any], ...]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=4).map(lambda members: Pairs(tuple(members)))
    ),
    max_leaves=12,
)


def written(value: Any, chance: Random) -> str:
    """The value as JSON text, with random spaces and escapes."""
    match value:
        case Pairs(members):
            inside = (f"{written(key, chance)}{gap(chance)}:{written(item, chance)}" for key, item in members)
            text = "{" + ",".join(inside) + "}"
        case list():
            text = "[" + ",".join(written(item, chance) for item in value) + "]"
        case str() if chance.random() < 0.3:
            text = '"' + "".join(f"\\u{ord(character):04x}" for character in value) + '"'
        case _:
            text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
    return gap(chance) + text + gap(chance)


def gap(chance: Random) -> str:
    return chance.choice(SPACES)


def has_twice(value: Any) -> bool:
    match value:
        case Pairs(members):
            keys = [key for key, _ in members]
            return len(set(keys)) < len(keys) or any(has_twice(item) for _, item in members)
        case list():
            return any(has_twice(item) for item in value)
        case _:
            return False


@given(values, st.randoms(use_true_random=False))
def test_key_given_twice_is_found_in_every_position_and_spelling(value: Any, chance: Random) -> None:
    text = written(value, chance).encode()
    assert (duplicated_key(text, decode(text)) is not None) is has_twice(value)


@given(values, st.lists(st.tuples(st.sampled_from(KEYS), values), max_size=3), st.randoms(use_true_random=False))
def test_quick_check_of_keys_misses_no_lost_key(data: Any, others: list[tuple[str, Any]], chance: Random) -> None:
    event = Pairs((("data", data), *others))
    text = written(event, chance).encode()
    parsed = decode(text)
    assert not (has_same_keys(text, len(parsed), canonical(parsed["data"])) and has_twice(event))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (b'{"a":1,"data":{"b":"\\":","c":{}}}', True),
        (b'{"a":1,"data":{"c":"\\u0022:","b":1,"b":{}}}', False),
        (b'{"a":1,"data":{"b":1,"b":2}}', False),
        (b'{"a":1,"a":1,"data":{"b":1}}', False),
        (b'{"a" :1,"data":{"b":1}}', False),
    ],
)
def test_quick_check_of_keys_compares_numbers_of_keys(text: bytes, same: bool) -> None:
    parsed = decode(text)
    assert has_same_keys(text, len(parsed), canonical(parsed["data"])) is same


@given(values, st.randoms(use_true_random=False))
def test_parsed_value_equals_the_standard_librarys(value: Any, chance: Random) -> None:
    text = written(value, chance).encode()
    assert decode(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b'{"a":1,"a":1}', "/a"),
        (b'{"a":1,"\\u0061":2}', "/a"),
        (b'{"a" :1,"b":{"c":[{"d":1,"d":2}]}}', "/d"),
        (b'{"/":1,"/":2}', "/~1"),
        (b'{"a":":","b":"\\":","b":0}', "/b"),
    ],
)
def test_problem_of_a_duplicate_key_names_the_key(text: bytes, pointer: str) -> None:
    problem = duplicated_key(text, decode(text))
    assert problem is not None
    assert (problem.code, problem.field) == ("duplicate-key", pointer)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 300, 900, 1_000, 10_000, SEPARATORS_MAX])
def test_text_beyond_the_depth_limit_is_always_refused(opening: bytes, depth: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    with pytest.raises(Rejected) as refusal:
        parse(opening * depth + b"1" + closing * depth)
    assert [problem.code for problem in refusal.value.problems] == ["not-json"]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_text_at_the_depth_limit_can_be_serialised(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    text = opening * DEPTH_MAX + b"1" + closing * DEPTH_MAX
    parsed = parse(text)
    assert duplicated_key(text, parsed) is None
    assert orjson.dumps(parsed) == text


@pytest.mark.parametrize(
    "text",
    [b" " * TEXT_BYTES_MAX + b"1", b"[" + b"1," * SEPARATORS_MAX + b"1]", b"[" + b"{}," * SEPARATORS_MAX + b"{}]"],
    ids=["bytes", "numbers", "objects"],
)
def test_text_above_a_limit_is_refused_before_it_is_parsed(text: bytes) -> None:
    """The same code for valid and for invalid JSON: the text was not parsed."""
    for each in (text, text + b"]"):
        with pytest.raises(Rejected) as refusal:
            parse(each)
        assert [problem.code for problem in refusal.value.problems] == ["submission-too-large"]


@given(values, st.randoms(use_true_random=False))
def test_text_with_a_duplicate_key_has_no_value(value: Any, chance: Random) -> None:
    text = written(value, chance).encode()
    if has_twice(value):
        with pytest.raises(Rejected) as refusal:
            parse(text)
        assert [problem.code for problem in refusal.value.problems] == ["duplicate-key"]
    else:
        assert parse(text) == decode(text)


@given(st.lists(values, max_size=5), st.randoms(use_true_random=False))
def test_duplicate_key_is_found_in_its_item_of_an_array(items: list[Any], chance: Random) -> None:
    text = written(items, chance).encode()
    found = duplicated_keys(text, decode(text))
    assert set(found) == {index for index, item in enumerate(items) if has_twice(item)}


@given(values, st.randoms(use_true_random=False))
def test_byte_order_mark_is_ignored_once(value: Any, chance: Random) -> None:
    text = written(value, chance).encode()
    assert decode(BOM + text) == decode(text)
    with pytest.raises(Rejected):
        decode(BOM + BOM + text)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_parsed_or_refused(text: bytes) -> None:
    try:
        duplicated_key(text, decode(text))
    except Rejected as refusal:
        assert {problem.code for problem in refusal.problems} <= {"not-utf-8", "not-json"}
