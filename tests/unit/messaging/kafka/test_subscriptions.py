"""Receiving through FastStream: untouched records, and the pattern of a domain's ingress topics."""

import re
from typing import Any

import pytest
from samenspel.contracts.topics import ingress
from samenspel.messaging.kafka.subscriptions import RawCodec, ingress_pattern, parse

from tests.support.memory_log import record


def test_ingress_pattern_matches_every_organisation_of_its_domain_only() -> None:
    pattern = re.compile(ingress_pattern("initiatives"))
    assert pattern.fullmatch(ingress("initiatives", "00000099000000000344"))
    assert not pattern.fullmatch(ingress("funding", "00000099000000000344"))
    assert not pattern.fullmatch("samenspel.in.initiatives.")
    assert not pattern.fullmatch("samenspel-in.initiatives.00000099000000000344")


async def test_batch_with_undecodable_headers_is_handed_on_untouched() -> None:
    batch = [record("topic", 0, offset, [("name", b"\xff"), ("other", None)], b"") for offset in range(2)]
    message: Any = await parse(batch)
    codec = RawCodec()
    assert await codec.decode(message) == await codec.decode_batch(message) == tuple(batch)


async def test_services_publish_through_the_journal_only() -> None:
    with pytest.raises(NotImplementedError):
        await RawCodec().encode(b"x")
