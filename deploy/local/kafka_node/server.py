"""Kafka of the local system: one node, KRaft, SASL/SCRAM and ACLs enabled, loopback only."""

from pathlib import Path
from typing import Final

from samenspel.client.access.private_files import write_private
from samenspel.client.admin.kafka_admin import KafkaAdmin

from deploy.local.errors import LocalSystemError
from deploy.local.home import Home
from deploy.local.kafka_node import class_archive
from deploy.local.kafka_node.jars import POM, resolve
from deploy.local.kafka_node.java import find_java
from deploy.local.kafka_node.settings import ADMIN, as_properties, settings
from deploy.local.kafka_node.storage import format_storage, is_formatted
from deploy.local.ports import LOOPBACK, Ports, is_open
from deploy.local.process import Daemon
from deploy.local.progress import Progress, silent
from deploy.local.secrets import Secrets
from deploy.local.waiting import wait_until

START_SECONDS_MAX: Final = 60.0
JVM_OPTIONS: Final = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class Kafka:
    def __init__(self, home: Home) -> None:
        self._home = home
        self._ports = Ports(home.ports)
        self._secrets = Secrets(home.secrets)
        self.daemon = Daemon(home.record("kafka"), home.log("kafka"))

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients. Raises LocalSystemError before the first start."""
        port = self._ports.remembered("kafka")
        if port is None:
            raise LocalSystemError("Kafka was never started in this home: run `samenspel up`")
        return f"{LOOPBACK}:{port}"

    def admin(self) -> KafkaAdmin:
        return KafkaAdmin(self.bootstrap, ADMIN, self.admin_password)

    @property
    def admin_password(self) -> str:
        return self._secrets["kafka_admin"]

    def start(self, progress: Progress = silent) -> None:
        """Start Kafka unless it runs already, and wait until Kafka accepts the admin."""
        if self.daemon.process() is None:
            progress("kafka", "downloading", 0.0)
            java = self._java(progress)
            values = self._settings()
            if not is_formatted(self._home.kafka_data):
                progress("kafka", "formatting", 0.5)
                format_storage(self._home, values, java, self.admin_password)
            write_private(self._home.kafka / "server.properties", as_properties(values))
            progress("kafka", "starting", 0.7)
            mapped = class_archive.jvm_option(Path(java[0]), self._home)
            command = [java[0], mapped, *java[1:], "kafka.Kafka", "kafka/server.properties"]
            self.daemon.start(command, folder=self._home.path)
        self._wait_until_ready()

    def is_ready(self) -> bool:
        """Whether Kafka runs and accepts the admin."""
        return self.daemon.process() is not None and self.admin().is_reachable(within=2)

    def stop(self) -> None:
        self.daemon.stop()
        class_archive.adopt_archives(self._home)

    def kill(self) -> None:
        """SIGKILL, for tests of crashes."""
        self.daemon.kill()

    def _java(self, progress: Progress) -> list[str]:
        jars = resolve(progress)
        logging = f"-Dlog4j2.configurationFile={(POM.parent / 'log4j2.properties').as_uri()}"
        return [str(find_java()), *JVM_OPTIONS, logging, "-cp", f"{jars}/*"]

    def _settings(self) -> dict[str, str]:
        return settings(
            self._home.kafka_data.name,
            port=self._ports.claim("kafka"),
            controller_port=self._ports.claim("kafka_controller"),
            admin_password=self.admin_password,
            controller_password=self._secrets["kafka_controller"],
        )

    def _wait_until_ready(self) -> None:
        port = int(self.bootstrap.rpartition(":")[2])
        wait_until(lambda: is_open(port), self.daemon, "Kafka", timeout_seconds=START_SECONDS_MAX)
        admin = self.admin()
        wait_until(lambda: admin.is_reachable(within=2), self.daemon, "Kafka", timeout_seconds=START_SECONDS_MAX)
