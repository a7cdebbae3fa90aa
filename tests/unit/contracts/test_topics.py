"""Topics and lanes: every domain has an owner, every aggregate a topic, and lanes fall as Kafka's own do."""

import re

import pytest
from aiokafka import partitioner
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.catalogue import AGGREGATES, EVENT_TYPES, SUBMISSIONS
from samenspel.contracts.topics import (
    CANONICAL,
    DOMAIN_OF,
    canonical_topics,
    ingress,
    lane_id,
    lane_of,
    murmur2,
    organisation_of,
    receipts,
    topics_of,
)

OIN = "00000099000000000344"

REFERENCE = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}
"""The expected values of Apache Kafka's own murmur2 tests, as signed 32-bit numbers."""


@pytest.mark.parametrize(("key", "expected"), REFERENCE.items())
def test_murmur2_equals_kafkas_own(key: str, expected: int) -> None:
    made = murmur2(key.encode())
    assert made - (made >> 31 << 32) == expected


@pytest.mark.parametrize(("key", "expected"), REFERENCE.items())
@pytest.mark.parametrize("lanes", [1, 4, 12, 1_000])
def test_lane_equals_kafkas_partition_of_the_key(key: str, expected: int, lanes: int) -> None:
    assert lane_of(key, lanes) == (expected & 0x7FFFFFFF) % lanes


@given(st.binary(max_size=300))
def test_murmur2_equals_aiokafkas(data: bytes) -> None:
    assert murmur2(data) == partitioner.murmur2(data)


@given(st.text(st.characters(codec="utf-8"), max_size=50), st.integers(1, 100))
def test_every_key_has_a_lane(key: str, lanes: int) -> None:
    assert 0 <= lane_of(key, lanes) < lanes
    assert lane_id("samenspel.initiatives", key, lanes) == ("samenspel.initiatives", lane_of(key, lanes))


def test_every_aggregate_is_on_a_topic_with_one_writer() -> None:
    assert {each.topic for each in AGGREGATES.values()} == set(CANONICAL)
    assert set(CANONICAL.values()) == set(DOMAIN_OF)


def test_submission_is_published_by_the_service_that_reads_it() -> None:
    for submission in SUBMISSIONS.values():
        for name in submission.leads_to:
            assert DOMAIN_OF[CANONICAL[EVENT_TYPES[name].aggregate.topic]] == submission.domain


def test_canonical_topic_is_retained_for_ever() -> None:
    made = {topic.name: topic for topic in canonical_topics(4)}
    assert set(made) == set(CANONICAL)
    for topic in made.values():
        assert topic.partitions == 4
        assert (topic.config["retention.ms"], topic.config["retention.bytes"]) == ("-1", "-1")
        assert topic.config["cleanup.policy"] == "delete"


def test_organisation_gets_an_ingress_and_a_receipts_topic_per_domain() -> None:
    made = {topic.name: topic for topic in topics_of(OIN)}
    incoming = [ingress(domain, OIN) for domain in DOMAIN_OF.values()]
    assert set(made) == {*incoming, *(receipts(domain, OIN) for domain in DOMAIN_OF.values())}
    assert {organisation_of(name) for name in made} == {OIN}
    assert {topic.partitions for topic in made.values()} == {1}
    for name in incoming:
        assert made[name].config["message.timestamp.type"] == "LogAppendTime"
        assert made[name].config["retention.bytes"] == "-1"


def test_topic_names_are_valid_and_without_underscores() -> None:
    for topic in (*canonical_topics(1), *topics_of(OIN)):
        assert re.fullmatch(r"[a-z0-9.-]{1,249}", topic.name)
