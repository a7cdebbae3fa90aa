"""Administration of Kafka by the operator: users, topics, ACLs, quotas. Services have no administrative rights.

Every ``ensure_…`` is idempotent and can be repeated after a crash at any step.
"""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from ssl import create_default_context
from typing import Any, Final, cast

from aiokafka.errors import KafkaError as KafkaClientError
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not in __all__
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
"""Time limit of one request to the brokers."""
SCRAM_ITERATIONS: Final = 4096
_log = logging.getLogger(__name__)


class KafkaAdminError(RuntimeError):
    """Kafka refused a request or did not answer. The text names the request and the reason."""


class KafkaAdmin:
    """`address` is ``host:port[,host:port…]``. The user needs the right to alter the cluster."""

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
        """Whether the brokers accept this user ``within`` so many seconds."""
        try:
            self._client.list_topics(timeout=within)
        except KafkaException:
            return False
        return True

    def ensure_user(self, name: str, password: str) -> None:
        """Create the user, or replace the password of an existing user."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
        change = UserScramCredentialUpsertion(name, credential, password.encode())
        self._await_results(f"user {name}", self._client.alter_user_scram_credentials([change]).values())

    def remove_user(self, name: str) -> None:
        """Delete the user. An open connection ends at its next re-authentication."""
        change = UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512)
        answers = self._client.alter_user_scram_credentials([change]).values()
        self._await_results(f"removal of user {name}", answers, harmless={KafkaError.RESOURCE_NOT_FOUND})

    def users(self) -> list[str]:
        """Names of all users with a password."""
        answer = cast("Future[dict[str, object]]", self._client.describe_user_scram_credentials())
        try:
            return sorted(answer.result(timeout=REQUEST_SECONDS_MAX))
        except (KafkaException, TimeoutError) as error:
            raise self._error("list of users", error) from error

    def ensure_topics(self, topics: Sequence[Topic]) -> None:
        """Create the missing topics.

        Raises KafkaAdminError when a topic has another number of partitions: the number of lanes is fixed for ever.
        """
        present = self._partitions()
        for topic in topics:
            found = present.get(topic.name, topic.partitions)
            if found != topic.partitions:
                raise KafkaAdminError(
                    f"topic {topic.name} has {found} partitions instead of {topic.partitions}; the number is fixed"
                )
        absent = [
            NewTopic(topic.name, topic.partitions, config=dict(topic.config))
            for topic in topics
            if topic.name not in present
        ]
        if absent:
            answers = self._client.create_topics(absent, operation_timeout=REQUEST_SECONDS_MAX).values()
            self._await_results("topics", answers, harmless={KafkaError.TOPIC_ALREADY_EXISTS})

    def topics(self) -> list[str]:
        """Names of all topics except the internal topics of Kafka."""
        return sorted(name for name in self._partitions() if not name.startswith("__"))

    def ensure_acls(self, user: str, rules: Iterable[AclRule]) -> None:
        """Add these ACLs to the ACLs of the user."""
        bindings = [binding for right in rules for binding in _bindings(user, right)]
        self._await_results(f"rights of {user}", self._client.create_acls(bindings).values())

    def remove_acls(self, user: str) -> None:
        """Remove all ACLs of the user."""
        every = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]  # None means any, against the annotations
            ResourcePatternType.ANY,
            f"User:{user}",
            None,  # type: ignore[arg-type]
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        self._await_results(f"removal of the rights of {user}", self._client.delete_acls([every]).values())

    def set_quota(self, user: str, quota: Quota | None) -> None:
        """Set the limits of the user at each broker; Kafka throttles above a limit. None removes the limits."""
        try:
            set_quotas(self._access, user, quota)
        except KafkaClientError as error:
            raise KafkaAdminError(f"Kafka refused 'quota of {user}': {error}") from error

    def _partitions(self) -> dict[str, int]:
        try:
            metadata = self._client.list_topics(timeout=REQUEST_SECONDS_MAX)
        except KafkaException as error:
            raise self._error("list of topics", error) from error
        return {name: len(topic.partitions) for name, topic in metadata.topics.items()}

    def _await_results(self, request: str, answers: Iterable[Future[Any]], *, harmless: Iterable[int] = ()) -> None:
        """Wait for all results. Raises KafkaAdminError for the first failure."""
        for answer in answers:
            try:
                answer.result(timeout=REQUEST_SECONDS_MAX)
            except KafkaException as error:
                if error.args[0].code() not in harmless:
                    raise self._error(request, error) from error
            except TimeoutError as error:
                raise self._error(request, error) from error

    def _error(self, request: str, error: KafkaException | TimeoutError) -> KafkaAdminError:
        """Error with the name of the Kafka error only: error texts of brokers may contain the whole request."""
        self._client.poll(0)  # librdkafka calls `_on_error` only from poll()
        if self._authentication_failed:
            return KafkaAdminError(
                f"Kafka refused '{request}': user or password is wrong; correct admin.json in your profile"
            )
        if isinstance(error, TimeoutError):
            return KafkaAdminError(f"Kafka did not answer '{request}' within {REQUEST_SECONDS_MAX:.0f} s")
        reason = error.args[0].name().strip("_").replace("_", " ").lower()
        return KafkaAdminError(f"Kafka refused '{request}': {reason}")

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
    """Kafka administration with the operator's credential. Raises ProfileError in the profile of another user."""
    access, admin = profile.system().kafka, profile.admin()
    return KafkaAdmin(
        access.bootstrap,
        admin.username,
        admin.password,
        security_protocol=access.security_protocol,
        ca_file=access.ca_file,
    )
