"""A canonical event's attributes as journal lines, Kafka headers and structured JSON: one content."""

from random import Random

import orjson
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.canonical import to_headers, to_lines, to_structured

names = st.from_regex(r"ce_[a-z0-9]{1,20}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40).map(str.encode)


@given(st.dictionaries(names, texts, max_size=20))
def test_lines_and_headers_convert_into_each_other(attributes: dict[str, bytes]) -> None:
    lines = to_lines(attributes.items())
    headers = to_headers(lines)
    assert headers[-1] == ("content-type", b"application/json")
    assert dict(headers[:-1]) == attributes
    assert [name for name, _ in headers[:-1]] == sorted(attributes)
    assert to_lines(headers) == lines


@given(st.dictionaries(names, texts, max_size=20), st.randoms(use_true_random=False))
def test_lines_do_not_depend_on_the_order_of_headers(attributes: dict[str, bytes], chance: Random) -> None:
    pairs = list(attributes.items())
    chance.shuffle(pairs)
    assert to_lines(pairs) == to_lines(attributes.items())


@given(st.dictionaries(names, texts, max_size=20))
def test_structured_event_equals_its_lines(attributes: dict[str, bytes]) -> None:
    value = b'{"title":  "spaces stay"}'
    made = to_structured(to_lines(attributes.items()), value)
    assert made.endswith(b'"data":' + value + b"}")
    expected = {name[3:]: text.decode() for name, text in attributes.items()}
    assert orjson.loads(made) == {**expected, "datacontenttype": "application/json", "data": orjson.loads(value)}
