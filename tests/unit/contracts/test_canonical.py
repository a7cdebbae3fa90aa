"""A canonical event's attributes as journal lines, Kafka headers and structured JSON: one content."""

from random import Random

import orjson
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts import canonical
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


raw_names = st.one_of(names, st.sampled_from(["ce_datacontenttype", "ce_a", "ce_b", "ce_Ü", "ce_a-b", "ce_"]))
raw_texts = st.one_of(
    texts, st.sampled_from([b"", b'a"b', b"a\\b", b"a:b", b"\x7f", b"\t", b"\xc3\xa9", b"%b", b"\r"])
)
raw_lines = st.lists(st.tuples(raw_names, raw_texts), max_size=6).map(to_lines)


@given(st.lists(raw_lines, min_size=1, max_size=6))
def test_structured_event_has_the_same_bytes_with_and_without_a_known_shape(events: list[bytes]) -> None:
    """Repeated, unusual and escaped attributes, in any order of events."""
    for lines in events:
        assert to_structured(lines, b"{}") == canonical._structured(lines, b"{}")


def test_number_of_shapes_is_bounded() -> None:
    for number in range(3 * canonical.SHAPES_MAX):
        to_structured(b"ce_a%d:x\n" % number, b"{}")
    assert canonical._shape_of.cache_info().currsize <= canonical.SHAPES_MAX
