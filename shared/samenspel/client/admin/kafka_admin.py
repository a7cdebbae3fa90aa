"""The operator's hand on Kafka: users, topics and rights. Services hold no admin rights and never use it.

Every ``ensure_…`` may be repeated after a crash at any step: what is there already is left or made right.
"""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from ssl import create_default_context
from typing import Any, Final, cast

from aiokafka.errors import KafkaError as KafkaClientError
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but re-exported without a word
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from samenspel.client.access.profile import Profile
from samenspel.client.admin.access_policy import AclRule, Quota
from samenspel.client.admin.kafka_quotas import set_quotas
from samenspel.contracts.topics import Topic

REQUEST_SECONDS_MAX: Final = 15.0
"""Seconds that one request to the brokers may take."""
SCRAM_ITERATIONS: Final = 4096
_log = logging.getLogger(__name__)


class KafkaAdminError(RuntimeError):
    """Kafka refused or did not answer; the text says which wish and why."""


class KafkaAdmin:
    """`address` is ``host:port[,host:port…]``; the user must be one that may alter the cluster."""

    def __init__(
        self,
        address: str,
        username: str,
        password: str,
        *,
        security_protocol: str = "SASL_PLAINTEXT",
        ca_file: Path | None = None,
    ) -> None:
        settings: dict[str, Any] = {
            "bootstrap.servers": address,
            "security.protocol": security_protocol,
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": username,
            "sasl.password": password,
            "reconnect.backoff.max.ms": 500,
            "error_cb": self._on_error,
            **({"ssl.ca.location": str(ca_file)} if ca_file else {}),
        }
        self._authentication_failed = False
        self._client = AdminClient(settings, logger=_log)
        self._access = {
            "bootstrap_servers": address,
            "security_protocol": security_protocol,
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": username,
            "sasl_plain_password": password,
            "ssl_context": create_default_context(cafile=ca_file) if security_protocol == "SASL_SSL" else None,
        }

    def is_reachable(self, *, within: float) -> bool:
        """Do the brokers let this user in, within so many seconds?"""
        try:
            self._client.list_topics(timeout=within)
        except KafkaException:
            return False
        return True

    def ensure_user(self, name: str, password: str) -> None:
        """Make the user, or give it this password from now on."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
        wish = UserScramCredentialUpsertion(name, credential, password.encode())
        self._await_results(f"user {name}", self._client.alter_user_scram_credentials([wish]).values())

    def remove_user(self, name: str) -> None:
        """Close the door to this user; sessions that are open end when they authenticate anew."""
        wish = UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512)
        answers = self._client.alter_user_scram_credentials([wish]).values()
        self._await_results(f"removal of user {name}", answers, harmless={KafkaError.RESOURCE_NOT_FOUND})

    def users(self) -> list[str]:
        """The names of all who have a password."""
        answer = cast("Future[dict[str, object]]", self._client.describe_user_scram_credentials())
        try:
            return sorted(answer.result(timeout=REQUEST_SECONDS_MAX))
        except (KafkaException, TimeoutError) as error:
            raise self._error("list of users", error) from error

    def ensure_topics(self, topics: Sequence[Topic]) -> None:
        """Make the topics that are not there.

        Raises KafkaAdminError when one is there with another number of partitions: lanes are fixed for ever.
        """
        present = self._partitions()
        for topic in topics:
            found = present.get(topic.name, topic.partitions)
            if found != topic.partitions:
                raise KafkaAdminError(f"{topic.name} has {found} lanes instead of {topic.partitions}")
        absent = [
            NewTopic(topic.name, topic.partitions, config=dict(topic.config))
            for topic in topics
            if topic.name not in present
        ]
        if absent:
            answers = self._client.create_topics(absent, operation_timeout=REQUEST_SECONDS_MAX).values()
            self._await_results("topics", answers, harmless={KafkaError.TOPIC_ALREADY_EXISTS})

    def topics(self) -> list[str]:
        """The names of all topics, Kafka's own left out."""
        return sorted(name for name in self._partitions() if not name.startswith("__"))

    def ensure_acls(self, user: str, rules: Iterable[AclRule]) -> None:
        """Give the user these rights, besides those it has."""
        bindings = [binding for right in rules for binding in _bindings(user, right)]
        self._await_results(f"rights of {user}", self._client.create_acls(bindings).values())

    def remove_acls(self, user: str) -> None:
        """Take all rights of the user away."""
        every = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]  # None means any; its annotations forget that
            ResourcePatternType.ANY,
            f"User:{user}",
            None,  # type: ignore[arg-type]
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        self._await_results(f"removal of the rights of {user}", self._client.delete_acls([every]).values())

    def set_quota(self, user: str, quota: Quota | None) -> None:
        """Limit what the user may ask of each broker; beyond it Kafka slows it down. None: no limit."""
        try:
            set_quotas(self._access, user, quota)
        except KafkaClientError as error:
            raise KafkaAdminError(f"Kafka did not do 'quota of {user}': {error}") from error

    def _partitions(self) -> dict[str, int]:
        try:
            metadata = self._client.list_topics(timeout=REQUEST_SECONDS_MAX)
        except KafkaException as error:
            raise self._error("list of topics", error) from error
        return {name: len(topic.partitions) for name, topic in metadata.topics.items()}

    def _await_results(self, request: str, answers: Iterable[Future[Any]], *, harmless: Iterable[int] = ()) -> None:
        """Wait for all answers; raise KafkaAdminError for the first that refuses."""
        for answer in answers:
            try:
                answer.result(timeout=REQUEST_SECONDS_MAX)
            except KafkaException as error:
                if error.args[0].code() not in harmless:
                    raise self._error(request, error) from error
            except TimeoutError as error:
                raise self._error(request, error) from error

    def _error(self, request: str, error: KafkaException | TimeoutError) -> KafkaAdminError:
        """Only the name of the error: brokers put whole requests into their texts."""
        self._client.poll(0)  # what went wrong on the way comes by `_note`, and only when asked for
        if self._authentication_failed:
            return KafkaAdminError(f"Kafka did not do '{request}': it does not know this user or its password")
        if isinstance(error, TimeoutError):
            return KafkaAdminError(f"Kafka did not answer '{request}' within {REQUEST_SECONDS_MAX:.0f} s")
        reason = error.args[0].name().strip("_").replace("_", " ").lower()
        return KafkaAdminError(f"Kafka did not do '{request}': {reason}")

    def _on_error(self, error: KafkaError) -> None:
        self._authentication_failed = self._authentication_failed or error.code() == KafkaError._AUTHENTICATION
        _log.debug("%s", error)


def _bindings(user: str, rule: AclRule) -> list[AclBinding]:
    pattern = ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL
    return [
        AclBinding(
            ResourceType[rule.resource.upper()],
            rule.name,
            pattern,
            f"User:{user}",
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        for operation in rule.operations
    ]


def admin_of(profile: Profile) -> KafkaAdmin:
    """The operator's hand on Kafka. Raises ProfileError when this profile is not an operator's."""
    access, admin = profile.system().kafka, profile.admin()
    return KafkaAdmin(
        access.bootstrap,
        admin.username,
        admin.password,
        security_protocol=access.security_protocol,
        ca_file=access.ca_file,
    )
