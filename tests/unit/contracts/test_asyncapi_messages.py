"""The messages of the AsyncAPI document: one per submission type and per event type, with example and schema."""

import pytest
from samenspel.contracts.asyncapi_messages import component_schemas, published, receipt, submitted
from samenspel.contracts.catalogue import EVENT_TYPES, submissions_of
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF, Domain

SCHEMAS = component_schemas()


@pytest.mark.parametrize("domain", DOMAIN_OF.values())
def test_every_submission_type_of_a_domain_has_one_message(domain: Domain) -> None:
    messages = dict(submitted(domain))
    assert {message["name"] for message in messages.values()} == set(submissions_of(domain))
    assert all(
        name == f"submitted.{message['name'].removeprefix('nl.samenspel.')}" for name, message in messages.items()
    )


@pytest.mark.parametrize("topic", CANONICAL)
def test_every_event_type_of_a_topic_has_one_message(topic: str) -> None:
    names = {message["name"] for _, message in published(topic)}
    assert names == {name for name, each in EVENT_TYPES.items() if each.aggregate.topic == topic}


def test_message_refers_to_its_schemas_and_has_an_example() -> None:
    messages = [message for domain in DOMAIN_OF.values() for _, message in submitted(domain)]
    messages += [message for topic in CANONICAL for _, message in published(topic)]
    for message in [*messages, receipt()[1]]:
        for part in ("headers", "payload"):
            assert message[part]["$ref"].rpartition("/")[2] in SCHEMAS
        [example] = message["examples"]
        assert example["payload"] and example["headers"]


def test_submission_has_a_correlation_id_and_a_receipt_has_none() -> None:
    _, submission = next(submitted("initiatives"))
    assert "correlationId" in submission
    assert "correlationId" not in receipt()[1]


def test_submitted_schemas_are_closed_and_published_schemas_open() -> None:
    closed = {name for name, schema in SCHEMAS.items() if schema.get("additionalProperties") is False}
    assert closed == {name for name in SCHEMAS if name.startswith("submitted.") and "properties" in SCHEMAS[name]}
