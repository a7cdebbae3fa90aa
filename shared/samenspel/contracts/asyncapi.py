"""The catalogue as an AsyncAPI 3.0 document: what travels on which topic, keyed how, and which service does what.

Made from the catalogue and the topics, so that it cannot say anything else than they do.
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
"""Of this description; every event type carries a major version of its own."""
OIN: Final = "{oin}"


def document() -> Object:
    """The whole document, ready to be written as JSON."""
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
            "Facts about urban-innovation initiatives, their rollouts and their funding, between Rijk, VNG, cities "
            "and their partners. CloudEvents 1.0 in the Kafka binary binding, after the NLGov profile 1.1. What an "
            "organisation submits, it submits on its own ingress topic (the structured form is accepted there too) "
            "or over HTTP at POST /v1/events; it is answered on its receipts topic; what a service made of it is "
            "published on a canonical topic, in lanes."
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
            "description": "SASL_SSL; the address is the deployment's own",
            "security": security,
        },
        "local": {
            "host": "127.0.0.1:{port}",
            "protocol": "kafka",
            "description": "SASL_PLAINTEXT on the loopback; `samenspel status` tells the port",
            "variables": {"port": {"default": "9092"}},
            "security": security,
        },
    }


def _channels() -> Iterator[tuple[str, Object]]:
    own = {topic.name: topic for topic in topics_of(OIN)}
    for service, domain in DOMAIN_OF.items():
        said = f"What one organisation submits to {service}; it alone writes here, and {service} alone reads."
        yield _channel(own[ingress(domain, OIN)], said, (name for name, _ in submitted(domain)))
        said = f"What {service} answers one organisation: a receipt for each submission, over whichever door it came."
        yield _channel(own[receipts(domain, OIN)], said, [receipt()[0]])
    for topic in canonical_topics(LANES_LOCAL):
        said = (
            f"Written by {CANONICAL[topic.name]} alone, read by everybody, kept for ever; its partitions are lanes."
        )
        yield _channel(topic, said, (name for name, _ in published(topic.name)))


def _channel(topic: Topic, said: str, messages: Iterable[str]) -> tuple[str, Object]:
    """How many lanes a canonical topic has is the deployment's choice; an organisation's own topics have one."""
    binding: Object = {"topicConfiguration": _configuration(topic.config), "bindingVersion": BINDING}
    channel: Object = {
        "address": topic.name,
        "description": said,
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
    """Kafka's own settings, typed as the AsyncAPI binding wants them."""
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
            "summary": f"{service} publishes what has become true, with the whole state after it",
            "tags": [{"name": service}],
        }
        yield f"{service}.publishes.{topic.rpartition('.')[2]}", operation


def _receives(service: Service, domain: Domain) -> tuple[str, Object]:
    asked, answered = _channel_name(ingress(domain, OIN)), _channel_name(receipts(domain, OIN))
    operation = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{asked}"},
        "summary": f"{service} decides what organisations submit, and answers each submission",
        "tags": [{"name": service}],
        "reply": {
            "channel": {"$ref": f"#/channels/{answered}"},
            "messages": [{"$ref": f"#/channels/{answered}/messages/{receipt()[0]}"}],
        },
    }
    return f"{service}.receives.{domain}", operation
