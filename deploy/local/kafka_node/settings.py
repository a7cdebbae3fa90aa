"""Settings of a one-node Kafka with authentication and ACLs, and fast restarts after a SIGKILL."""

from collections.abc import Mapping
from typing import Final

ADMIN: Final = "admin"
CONTROLLER: Final = "controller"
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"

FIXED: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "BROKER",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
    "sasl.mechanism.controller.protocol": "PLAIN",
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": f"User:{ADMIN};User:{CONTROLLER}",
    "auto.create.topics.enable": "false",
    # A killed broker can register again after its old registration expires: 3.5 s instead of the default 12.5 s.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
    # The successor of a killed consumer waits until the old session expires: Kafka's default minimum is 6 s.
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.retention.minutes": str(60 * 24 * 365),
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "2",
}


def settings(
    log_folder: str, *, port: int, controller_port: int, admin_password: str, controller_password: str
) -> dict[str, str]:
    """All settings of ``server.properties``. ``log_folder`` is relative to Kafka's working folder.

    An absolute path could contain commas, at which Kafka splits, or characters outside Latin-1, the file's encoding.
    """
    return {
        **FIXED,
        "listeners": f"BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"BROKER://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": log_folder,
        "listener.name.broker.scram-sha-512.sasl.jaas.config": (
            f'{_SCRAM} required username="{ADMIN}" password="{admin_password}";'
        ),
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{_PLAIN} required username="{CONTROLLER}" password="{controller_password}" '
            f'user_{CONTROLLER}="{controller_password}";'
        ),
    }


def as_properties(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())
