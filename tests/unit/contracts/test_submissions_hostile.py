"""Hostile content is refused with the same codes and fields in every encoding, without a service."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.canonical import SUBMISSION_BYTES_MAX
from samenspel.contracts.catalogue import submissions_of
from samenspel.contracts.cloudevents import Envelope, from_http, from_kafka
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.submissions import read_submission
from samenspel.contracts.topics import Domain

from tests.hostile_input.content import CONTENT, Case, Scene, good
from tests.hostile_input.encodings import (
    Request,
    http_batch,
    http_binary,
    http_structured,
    kafka_binary,
    kafka_structured,
)
from tests.support.events import initiative

OIN = "00000099000000000344"
SCENE = Scene(f"urn:nld:oin:{OIN}:systeem:zaaksysteem")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANY = st.binary(max_size=60)
EMBEDDABLE = [case for case in CONTENT if case.embeddable]
Read = Callable[[Case], Envelope]
BINARY: dict[str, Read] = {
    "kafka": lambda case: from_kafka(*kafka_binary(case, SCENE)),
    "http": lambda case: over_http(http_binary(case, SCENE)),
}
STRUCTURED: dict[str, Read] = {
    "kafka": lambda case: from_kafka(*kafka_structured(case, SCENE)),
    "http": lambda case: over_http(http_structured(case, SCENE)),
    "batch": lambda case: over_http(http_batch(case, SCENE)),
}


def over_http(request: Request) -> Envelope:
    headers, body = request
    [envelope] = from_http([(name.encode(), value.encode()) for name, value in headers.items()], body).envelopes
    return envelope


def problems_of(case: Case, read: Read) -> Sequence[Problem]:
    return problems_in(lambda: read(case), case.domain)


def problems_in(read: Callable[[], Envelope], domain: Domain = "initiatives") -> Sequence[Problem]:
    try:
        read_submission(read(), OIN, submissions_of(domain), NOON, "")
    except Rejected as refusal:
        return refusal.problems
    return ()


def found_in(problems: Sequence[Problem]) -> set[tuple[str, str]]:
    return {(problem.code, problem.field) for problem in problems}


@pytest.mark.parametrize("case", CONTENT, ids=lambda case: case.name)
@pytest.mark.parametrize("over", BINARY)
def test_binary_event_with_hostile_content_is_refused_with_its_problems(case: Case, over: str) -> None:
    assert found_in(problems_of(case, BINARY[over])) == case.problems


@pytest.mark.parametrize("case", EMBEDDABLE, ids=lambda case: case.name)
@pytest.mark.parametrize("over", STRUCTURED)
def test_structured_event_with_hostile_content_is_refused_with_its_problems(case: Case, over: str) -> None:
    assert found_in(problems_of(case, STRUCTURED[over])) == case.problems


@pytest.mark.parametrize("case", [case for case in CONTENT if not case.embeddable], ids=lambda case: case.name)
@pytest.mark.parametrize("over", STRUCTURED)
def test_structured_event_with_data_that_is_no_json_is_refused(case: Case, over: str) -> None:
    """Data and attributes cannot be told apart in broken JSON: the whole event may be invalid."""
    codes = {problem.code for problem in problems_of(case, STRUCTURED[over])}
    assert codes == {code for code, _ in case.problems} or codes == {"not-json"}


@pytest.mark.parametrize("case", CONTENT, ids=lambda case: case.name)
def test_problem_of_hostile_content_has_detail_and_fix(case: Case) -> None:
    for problem in (*problems_of(case, BINARY["kafka"]), *problems_of(case, STRUCTURED["http"])):
        assert problem.detail
        assert len(problem.detail) <= 500
        assert problem.fix.endswith((".", "…"))


@pytest.mark.parametrize("spaces", [0, 1_000])
@pytest.mark.parametrize(
    ("size", "code"), [(SUBMISSION_BYTES_MAX, "invalid-field"), (SUBMISSION_BYTES_MAX + 1, "submission-too-large")]
)
@pytest.mark.parametrize("read", [*BINARY.values(), *STRUCTURED.values()])
def test_submission_is_refused_from_one_byte_above_the_limit(size: int, code: str, spaces: int, read: Read) -> None:
    """Spaces are not counted: a structured event does not keep the spaces of its data."""
    data = orjson.dumps(initiative(title="x" * (size - len(orjson.dumps(initiative(title=""))))))
    case = Case("large", lambda scene: data + b" " * spaces, frozenset())
    assert (len(data), {problem.code for problem in problems_of(case, read)}) == (size, {code})


GOOD = Case("good", lambda scene: good(), frozenset())


def test_attribute_given_twice_is_invalid() -> None:
    headers, value = kafka_binary(GOOD, SCENE)
    found = problems_in(lambda: from_kafka([*headers, ("ce_id", b"2")], value))
    assert found_in(found) == {("invalid-attribute", "id")}


@pytest.mark.parametrize("value", [None, b""])
def test_record_without_value_is_no_json(value: bytes | None) -> None:
    headers, _ = kafka_binary(GOOD, SCENE)
    assert found_in(problems_in(lambda: from_kafka(headers, value))) == {("not-json", "/")}


@given(st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_", "content-type", "x"]), st.none() | ANY)), ANY)
def test_arbitrary_record_is_refused_with_code_and_field(
    headers: list[tuple[str, bytes | None]], value: bytes
) -> None:
    problems = problems_in(lambda: from_kafka(headers, value))
    assert problems
    assert all(problem.code and problem.field is not None for problem in problems)
