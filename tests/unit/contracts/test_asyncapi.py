"""The AsyncAPI document: every topic is a channel, every reference leads to a definition."""

from collections.abc import Iterator
from typing import Any

import pytest
from samenspel.contracts.asyncapi import document
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF

DOCUMENT = document()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_of_the_document_has_a_target() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 50
    for reference in found:
        target: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize("topic", CANONICAL)
def test_canonical_topic_has_a_channel_with_its_service_as_sender(topic: str) -> None:
    channel = DOCUMENT["channels"][topic]
    assert channel["address"] == topic
    assert channel["messages"]
    operation = DOCUMENT["operations"][f"{CANONICAL[topic]}.publishes.{topic.rpartition('.')[2]}"]
    assert (operation["action"], operation["channel"]["$ref"]) == ("send", f"#/channels/{topic}")


@pytest.mark.parametrize("service", DOMAIN_OF)
def test_service_receives_submissions_and_replies_with_receipts(service: str) -> None:
    domain = DOMAIN_OF[service]  # type: ignore[index]  # a key of this mapping
    operation = DOCUMENT["operations"][f"{service}.receives.{domain}"]
    asked, answered = (part["channel"]["$ref"].rpartition("/")[2] for part in (operation, operation["reply"]))
    assert DOCUMENT["channels"][asked]["address"] == f"samenspel.in.{domain}.{{oin}}"
    assert DOCUMENT["channels"][answered]["address"] == f"samenspel.receipts.{domain}.{{oin}}"
    assert DOCUMENT["channels"][asked]["bindings"]["kafka"]["partitions"] == 1
