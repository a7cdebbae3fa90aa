"""One submission has one outcome, with the same codes and fields, over every entry point; only a fix may differ."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samenspel.contracts.canonical import SUBMISSION_BYTES_MAX
from samenspel.contracts.catalogue import SUBMISSIONS, SubmissionType
from samenspel.contracts.problems import PROBLEMS_MAX
from samenspel.contracts.strict_json import SEPARATORS_MAX

from tests.hostile_input.content import CONTENT, Case, Scene
from tests.support import entry_points
from tests.support.entry_points import ENTRY_POINTS, OIN, Sent, Told

SCENE: Final = Scene(f"urn:nld:oin:{OIN}:systeem:zaaksysteem")
COMPLETED: Final = {"specversion", "id", "source"}
"""Attributes that the CLI fills in when they are absent."""
UNPARSED: Final = {("not-json", "/")}, {("not-utf-8", "/")}
"""Problem of a text that is not parsed: the attributes of a structured event are then unknown."""
kinds = st.sampled_from(list(SUBMISSIONS.values()))
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=300)
names = st.sampled_from([*"abc", "x" * 21, "x" * 256, "x" * 257, "traceparent", "time", "subject", "data1", "_x"])
plain = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    plain | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def attributes(draw: st.DrawFn, kind: SubmissionType) -> dict[str, str]:
    """Attributes of a valid event, with up to three changes."""
    given = {"specversion": "1.0", "id": draw(texts), "source": SCENE.source, "type": kind.name}
    for change in draw(st.lists(st.sampled_from(ATTRIBUTE_CHANGES), max_size=3)):
        change(draw, given)
    return given


def _extend(draw: st.DrawFn, given: dict[str, str]) -> None:
    given |= {draw(names): draw(texts)}


def _fill(draw: st.DrawFn, given: dict[str, str]) -> None:
    given |= {f"x{number}": "" for number in range(draw(st.integers(80, 110)))}


def _spoil(draw: st.DrawFn, given: dict[str, str]) -> None:
    given[draw(st.sampled_from(sorted(given)))] = draw(texts)


def _leave_out(draw: st.DrawFn, given: dict[str, str]) -> None:
    given.pop(draw(st.sampled_from(sorted(given))))


def _misspell_source(draw: st.DrawFn, given: dict[str, str]) -> None:
    tail = draw(st.text(st.sampled_from("a:/%()- 0"), max_size=210))
    given["source"] = f"urn:nld:oin:{OIN}{tail}"


ATTRIBUTE_CHANGES: Final[list[Callable[[st.DrawFn, dict[str, str]], None]]] = [
    *(_extend, _fill, _spoil, _leave_out, _misspell_source),
]


@st.composite
def data(draw: st.DrawFn, kind: SubmissionType) -> bytes:
    """The text of the example with up to three changes, spelled in any way."""
    given: dict[str, Any] = dict(kind.example)
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from([*given, "colour", "size"]))
        if draw(st.booleans()):
            given[name] = draw(values | st.just(NESTED) | st.just(MANY) | st.just(LONG))
        else:
            given.pop(name, None)
    text = json.dumps(given, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([None, (",", ":")])))
    return draw(st.sampled_from(TEXT_CHANGES))(text).encode()


NESTED: Final = orjson.loads(b"[" * 66 + b"]" * 66)
MANY: Final = [{}] * 2_500
LONG: Final = "x" * SUBMISSION_BYTES_MAX
TEXT_CHANGES: Final[list[Callable[[str], str]]] = [
    *[lambda text: text] * 3,
    lambda text: text + " " * 60_000,
    lambda text: text[:-1] + ',"title":1,"title":1}',
    lambda text: text[:-1] + ',"colour":{"a":[{"b":1,"\\u0062":2}]}}',
    lambda text: text[:-1] + ',"x":1,"x":1,"n":1e6}',
    lambda text: text[:-1] + ',"x":"","x":[100000000000000000000,100000000000000000000,100000000000000000000]}',
    lambda text: text[:-1],
    lambda text: "[" * 2_000 + "]" * 2_000,
]


@st.composite
def submissions(draw: st.DrawFn) -> Sent:
    kind = draw(kinds)
    content_type = draw(st.sampled_from(["application/json", "Application/JSON; charset=utf-8", "text/plain"]))
    return Sent(draw(attributes(kind)), draw(data(kind)), content_type)


@settings(max_examples=150)
@given(submissions())
def test_submission_has_one_outcome_over_every_entry_point(sent: Sent) -> None:
    told = {name: over(sent) for name, over in ENTRY_POINTS.items() if _may_be_sent(name, sent)}
    _require_equal(told)


def _may_be_sent(entry_point: str, sent: Sent) -> bool:
    """The CLI completes an event, and reads invalid JSON by lines. A batch of invalid JSON is refused whole."""
    if entry_point == "cli" and not set(sent.attributes) >= COMPLETED:
        return False
    return entry_point not in ("cli", "http_batch") or _is_json(sent.structured)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _require_equal(told: dict[str, Told]) -> None:
    first = told["kafka_binary"]
    for name, each in told.items():
        assert each.outcome == first.outcome, (name, each, first)
        if "binary" in name or each.problems not in UNPARSED:
            assert each.problems == first.problems, (name, each, first)
        assert all(each.fixes)


@pytest.mark.parametrize("case", CONTENT, ids=lambda case: case.name)
def test_hostile_content_has_one_outcome_over_every_entry_point(case: Case) -> None:
    sent = Sent(
        {name: text for name, text in case.attributes_in(SCENE).items() if name != "datacontenttype"},
        case.data(SCENE),
        case.attributes_in(SCENE).get("datacontenttype", "application/json"),
    )
    told = {name: over(sent) for name, over in ENTRY_POINTS.items() if _may_be_sent(name, sent)}
    if case.embeddable:
        _require_equal(told)
    assert {each.outcome for each in told.values()} == {"rejected"}


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
@pytest.mark.parametrize("data", [b'{"x":1,"x":1,"n":1e6}', b'{"x":"","x":[%b]}' % b",".join([b"1" + b"0" * 20] * 3)])
def test_number_that_becomes_longer_hides_no_duplicate_key(data: bytes, entry_point: str) -> None:
    sent = Sent({"specversion": "1.0", "id": "1", "source": SCENE.source, "type": entry_points.GOOD["type"]}, data)
    assert ("duplicate-key", "/x") in ENTRY_POINTS[entry_point](sent).problems


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_byte_order_mark_is_accepted_over_every_entry_point(
    entry_point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 8259 §8.1 allows to ignore the mark; spreadsheets and editors write it."""
    kind = SUBMISSIONS["nl.samenspel.initiative-registered.v1"]
    attributes = {"specversion": "1.0", "id": "1", "source": SCENE.source, "type": kind.name}
    mark, text = b"\xef\xbb\xbf", orjson.dumps(kind.example)
    if "binary" in entry_point:
        told = ENTRY_POINTS[entry_point](Sent(attributes, mark + text))
    else:
        body = mark + b"[%b]" % Sent(attributes, text).structured if "batch" in entry_point else b""
        told = _marked(entry_point, attributes, text, body)
    assert told.outcome == "accepted"


def _marked(entry_point: str, attributes: dict[str, str], text: bytes, batch: bytes) -> Told:
    """The structured event after a mark. A subclass keeps the attributes and puts the mark in front."""
    if batch:
        return entry_points.over_http({"content-type": entry_points.BATCH}, batch)[0]

    class Marked(Sent):
        @property
        def structured(self) -> bytes:
            return b"\xef\xbb\xbf" + Sent(self.attributes, self.data).structured

    return ENTRY_POINTS[entry_point](Marked(attributes, text))


def test_data_in_base64_is_the_same_submission() -> None:
    """JSON event format §3.1.1; the Python SDK of CloudEvents sends data of type bytes this way."""
    text = (
        b'{"specversion":"1.0","id":"1","source":"%b","type":"nl.samenspel.initiative-stopped.v1","data_base64":%b}'
    )
    data = orjson.dumps(entry_points.GOOD["data"])

    def told(encoded: bytes) -> Told:
        body = text % (SCENE.source.encode(), encoded)
        [over_http] = entry_points.over_http({"content-type": entry_points.STRUCTURED}, body)
        record = entry_points.RawRecord(body, [(b"content-type", entry_points.STRUCTURED.encode())])
        assert over_http == entry_points.over_kafka(record)
        return over_http

    good = base64.b64encode(data)
    assert told(b'"%b"' % good).outcome == "accepted"
    for wrong in (b'"%b!"' % good, b'"%b"' % good[:-1], b"1", b"{}", b'"%b","data":{}' % good):
        assert ("invalid-attribute", "data_base64") in told(wrong).problems


def test_rejection_over_http_counts_the_problems_that_it_leaves_out() -> None:
    data = orjson.dumps({f"x{number}": 1 for number in range(PROBLEMS_MAX + 7)})
    sent = Sent({"specversion": "1.0", "id": "1", "source": SCENE.source, "type": entry_points.GOOD["type"]}, data)
    reply = entry_points.reply_to({"content-type": entry_points.STRUCTURED}, sent.structured)
    assert (reply.status, len(reply.json["errors"]), reply.json["problems_left_out"]) == (400, PROBLEMS_MAX, 10)
    assert reply.json["detail"] == f"{PROBLEMS_MAX + 10} problem(s)"


def test_event_that_is_too_large_to_parse_has_the_status_of_one_that_is_too_large() -> None:
    body = b'{"x":[' + b"1," * SEPARATORS_MAX + b"1]}"
    reply = entry_points.reply_to({"content-type": entry_points.STRUCTURED}, body)
    assert (reply.status, reply.json["errors"][0]["code"]) == (413, "submission-too-large")


@pytest.mark.parametrize(
    ("content_type", "body", "other"),
    [(entry_points.STRUCTURED, b"[]", entry_points.BATCH), (entry_points.BATCH, b"{}", entry_points.STRUCTURED)],
)
def test_array_and_object_under_the_content_type_of_the_other_are_told_apart(
    content_type: str, body: bytes, other: str
) -> None:
    reply = entry_points.reply_to({"content-type": content_type}, body)
    assert reply.status == 400
    assert other in reply.json["errors"][0]["fix"]
