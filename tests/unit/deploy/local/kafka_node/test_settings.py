"""Kafka's settings: authentication and rights on every listener, addresses on the loopback only."""

from deploy.local.kafka_node.settings import as_properties, settings

VALUES = settings("kafka-data", port=9092, controller_port=9093, admin_password="one", controller_password="two")


def test_no_listener_is_open_to_strangers() -> None:
    assert VALUES["allow.everyone.if.no.acl.found"] == "false"
    assert VALUES["auto.create.topics.enable"] == "false"
    protocols = dict(each.split(":") for each in VALUES["listener.security.protocol.map"].split(","))
    assert set(protocols.values()) == {"SASL_PLAINTEXT"}
    for name in ("listeners", "advertised.listeners"):
        assert all("127.0.0.1:" in address for address in VALUES[name].split(","))


def test_administrator_and_controller_have_passwords_of_their_own() -> None:
    assert 'password="one"' in VALUES["listener.name.broker.scram-sha-512.sasl.jaas.config"]
    assert 'password="two"' in VALUES["listener.name.controller.plain.sasl.jaas.config"]


def test_properties_have_one_line_per_setting() -> None:
    lines = as_properties(VALUES).splitlines()
    assert len(lines) == len(VALUES)
    assert "log.dirs=kafka-data" in lines
