"""The catalogue as an AsyncAPI 3.0 document: channels, messages, keys, and the operations of each service.

Generated from the catalogue and the topics, so that document and code cannot differ.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from samenspel.contracts.asyncapi_messages import BINDING, Object, component_schemas, published, receipt, submitted
from samenspel.contracts.topics import (
    CANONICAL,
    DOMAIN_OF,
    LANES_LOCAL,
    Domain,
    Service,
    Topic,
    canonical_topics,
    ingress,
    receipts,
    topics_of,
)

VERSION: Final = "1.0.0"
"""Version of the AsyncAPI document; every event type has its own major version."""
OIN: Final = "{oin}"


def document() -> Object:
    """The whole document, serialisable as JSON."""
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {name: channel for name, channel in _channels()},
        "operations": {name: operation for name, operation in _operations()},
        "components": {
            "securitySchemes": {
                "scram": {"type": "scramSha512", "description": "One user per organisation and per service"}
            },
            "parameters": {"oin": {"description": "The organisation: its OIN, 20 digits (Logius OIN-Stelsel)"}},
            "messages": _messages(),
            "schemas": component_schemas(),
        },
    }


def _messages() -> Object:
    stated = {name: message for domain in DOMAIN_OF.values() for name, message in submitted(domain)}
    states = {name: message for topic in CANONICAL for name, message in published(topic)}
    return stated | states | dict([receipt()])


def _info() -> Object:
    return {
        "title": "Samenspel",
        "version": VERSION,
        "description": (
            "Events about urban-innovation initiatives, their rollouts and their funding, between Rijk, VNG, cities "
            "and their partners. CloudEvents 1.0 in the Kafka binary binding, after the NLGov profile 1.1. An "
            "organisation submits on its own ingress topic (binary or structured) or over HTTP at POST /v1/events. "
            "The owning service answers on the organisation's receipts topic, and publishes accepted changes as "
            "canonical events on lanes."
        ),
        "license": {"name": "EUPL-1.2", "url": "https://eupl.eu/1.2/en/"},
        "contact": {"name": "Samenspel", "url": "https://samenspel.example", "email": "team@samenspel.example"},
        "tags": [{"name": service} for service in DOMAIN_OF],
    }


def _servers() -> Object:
    security = [{"$ref": "#/components/securitySchemes/scram"}]
    return {
        "production": {
            "host": "kafka.samenspel.example:9093",
            "protocol": "kafka-secure",
            "description": "SASL_SSL; the address depends on the deployment",
            "security": security,
        },
        "local": {
            "host": "127.0.0.1:{port}",
            "protocol": "kafka",
            "description": "SASL_PLAINTEXT on the loopback; `samenspel status` shows the port",
            "variables": {"port": {"default": "9092"}},
            "security": security,
        },
    }


def _channels() -> Iterator[tuple[str, Object]]:
    own = {topic.name: topic for topic in topics_of(OIN)}
    for service, domain in DOMAIN_OF.items():
        submissions = f"Submissions of one organisation to {service}. Writer: the organisation. Reader: {service}."
        yield _channel(own[ingress(domain, OIN)], submissions, (name for name, _ in submitted(domain)))
        answers = f"Receipts of {service} for one organisation: an answer to each submission, over Kafka or HTTP."
        yield _channel(own[receipts(domain, OIN)], answers, [receipt()[0]])
    for topic in canonical_topics(LANES_LOCAL):
        events = f"Canonical events. Writer: {CANONICAL[topic.name]}. Kept for ever; the partitions are lanes."
        yield _channel(topic, events, (name for name, _ in published(topic.name)))


def _channel(topic: Topic, description: str, messages: Iterable[str]) -> tuple[str, Object]:
    """Name and description of a channel.

    Only the topics of an organisation have a fixed number of partitions: one. The deployment chooses the number of
    lanes of a canonical topic.
    """
    binding: Object = {"topicConfiguration": _configuration(topic.config), "bindingVersion": BINDING}
    channel: Object = {
        "address": topic.name,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": binding},
    }
    if OIN in topic.name:
        binding["partitions"] = topic.partitions
        channel["parameters"] = {"oin": {"$ref": "#/components/parameters/oin"}}
    return _channel_name(topic.name), channel


def _channel_name(topic: str) -> str:
    return topic.removesuffix(f".{OIN}")


def _configuration(config: Mapping[str, str]) -> Object:
    """Topic settings of Kafka, in the types of the AsyncAPI binding."""
    numbers = ("retention.ms", "retention.bytes", "max.message.bytes")
    typed: Object = {name: int(value) if name in numbers else value for name, value in config.items()}
    if "cleanup.policy" in typed:
        typed["cleanup.policy"] = typed["cleanup.policy"].split(",")
    return typed


def _operations() -> Iterator[tuple[str, Object]]:
    for service, domain in DOMAIN_OF.items():
        yield _receives(service, domain)
    for topic, service in CANONICAL.items():
        operation = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic}"},
            "summary": f"{service} publishes accepted changes, each with the whole public state of the aggregate",
            "tags": [{"name": service}],
        }
        yield f"{service}.publishes.{topic.rpartition('.')[2]}", operation


def _receives(service: Service, domain: Domain) -> tuple[str, Object]:
    incoming, outgoing = _channel_name(ingress(domain, OIN)), _channel_name(receipts(domain, OIN))
    operation = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{incoming}"},
        "summary": f"{service} decides on submissions, and answers each submission with a receipt",
        "tags": [{"name": service}],
        "reply": {
            "channel": {"$ref": f"#/channels/{outgoing}"},
            "messages": [{"$ref": f"#/channels/{outgoing}/messages/{receipt()[0]}"}],
        },
    }
    return f"{service}.receives.{domain}", operation
