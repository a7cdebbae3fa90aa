"""The limits of one organisation: everything that an organisation can fill, hold or start.

Reaching a limit costs no other organisation anything. A limit in bytes or rate is back-pressure: over Kafka the
organisation's partition is paused, over HTTP the status is 429 with ``Retry-After``. A limit in number is a refusal
without content hash: the refusal is no first answer, and the same id may be sent again.

`LIMITS` is the only table of these limits; ``docs/limits.md`` shows the table.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import Field

from samenspel.contracts.problems import Problem

Reaction = Literal["refusal", "back-pressure", "quarantine", "cut"]
MEBIBYTE: Final = 1_048_576
PER_INSTANCE: Final = "organisation, per instance"

acting_organisation: ContextVar[str | None] = ContextVar("acting_organisation", default=None)
"""OIN of the organisation whose request is handled; None for work of the service itself, which has no limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit, with value ``default`` in ``unit``.

    ``setting`` is the name of the setting without prefix; None for a limit that is part of the published contract.
    ``enforced`` is the place in the code, as ``module:name``. ``detail`` contains ``{value}``.
    """

    name: str
    resource: str
    default: int
    unit: str
    scope: str
    setting: str | None
    enforced: str
    reaction: Reaction
    detail: str
    fix: str

    def field(self) -> Any:
        """The pydantic field of the setting."""
        return Field(default=self.default, ge=1, le=2**53, description=f"Limit: {self.resource} ({self.scope})")

    def problem(self, value: int) -> Problem:
        """The problem of a request or submission that exceeds the limit of ``value``."""
        return Problem(code="limit-reached", field="/", detail=self.detail.format(value=f"{value:,}"), fix=self.fix)


class LimitReached(Exception):
    """An organisation has reached ``limit``, set to ``value``; again possible after about ``retry_after_seconds``."""

    def __init__(self, limit: Limit, organisation: str, value: int, retry_after_seconds: float) -> None:
        self.limit = limit
        self.organisation = organisation
        self.retry_after_seconds = retry_after_seconds
        self.problem = limit.problem(value)
        super().__init__(self.problem.detail)


RECORD_ATTRIBUTES: Final = Limit(
    name="record-attributes",
    resource="headers of a Kafka record, attributes of an event",
    default=100,
    unit="headers",
    scope="event",
    setting=None,
    enforced="samenspel.contracts.cloudevents:ATTRIBUTES_MAX",
    reaction="refusal",
    detail="at most {value} headers or attributes",
    fix="Send the attributes of CloudEvents and of the NLGov profile only.",
)
PROBLEMS: Final = Limit(
    name="problems",
    resource="problems collected and shown in one answer",
    default=100,
    unit="problems",
    scope="submission",
    setting=None,
    enforced="samenspel.contracts.problems:PROBLEMS_MAX",
    reaction="cut",
    detail="at most {value} problems are shown; `problems_left_out` counts the others",
    fix="Repair the shown problems and submit again.",
)
UNFOLDED_BYTES: Final = Limit(
    name="unfolded-bytes",
    resource="bytes of one compressed Kafka batch after decompression",
    default=8 * MEBIBYTE,
    unit="bytes",
    scope="batch",
    setting=None,
    enforced="samenspel.messaging.kafka.record_batches:DECOMPRESSED_BYTES_MAX",
    reaction="quarantine",
    detail="a batch has at most {value} bytes after decompression",
    fix="Send smaller batches.",
)
DECODED_BYTES: Final = Limit(
    name="decoded-bytes",
    resource="decompressed bytes of all batches that one consumer has fetched and not yet handed over",
    default=16 * MEBIBYTE,
    unit="bytes",
    scope="consumer",
    setting=None,
    enforced="samenspel.messaging.kafka.consumer:WAITING_BYTES_MAX",
    reaction="back-pressure",
    detail="a consumer holds at most {value} bytes of decompressed batches",
    fix="Nothing: the following batches are fetched later.",
)
HTTP_FIELDS: Final = Limit(
    name="http-fields",
    resource="fields of the head of an HTTP request",
    default=128,
    unit="fields",
    scope="request",
    setting=None,
    enforced="samenspel.runtime.http_limits:FIELDS_MAX",
    reaction="refusal",
    detail="the head of a request has at most {value} fields",
    fix="Send fewer header fields.",
)
HTTP_BYTES: Final = Limit(
    name="http-bytes",
    resource="bytes of all requests in progress; above, only requests of at most 65,536 bytes are accepted",
    default=64 * MEBIBYTE,
    unit="bytes",
    scope="instance",
    setting=None,
    enforced="samenspel.runtime.http_limits:IN_PROGRESS_BYTES_MAX",
    reaction="back-pressure",
    detail="large requests in progress hold at most {value} bytes together",
    fix="Repeat this request after Retry-After seconds, or send smaller batches.",
)
HTTP_REQUESTS: Final = Limit(
    name="http-requests",
    resource="concurrent HTTP requests, reads included",
    default=16,
    unit="requests",
    scope=PER_INSTANCE,
    setting="limit_http_requests",
    enforced="samenspel.runtime.http:organisation_dependency",
    reaction="back-pressure",
    detail="at most {value} concurrent requests of one organisation",
    fix="Wait for the responses of the other requests, and repeat this request after Retry-After seconds.",
)
HTTP_SUBMISSIONS: Final = Limit(
    name="http-submissions",
    resource="requests with submissions that are decoded and decided at the same time; the others wait",
    default=4,
    unit="requests",
    scope=PER_INSTANCE,
    setting="limit_http_submissions",
    enforced="samenspel.messaging.ingress.http_api:event_router",
    reaction="back-pressure",
    detail="at most {value} requests with submissions of one organisation are decided at the same time",
    fix="Send larger batches in fewer requests, and repeat this request after Retry-After seconds.",
)
HTTP_GROUP: Final = Limit(
    name="http-group",
    resource="submissions of one organisation in a transaction over HTTP while others wait, beyond its first request",
    default=250,
    unit="submissions",
    scope="organisation and transaction",
    setting=None,
    enforced="samenspel.messaging.ingress.submission_groups:SHARE_MAX",
    reaction="back-pressure",
    detail="a transaction has at most {value} submissions of one organisation while others wait",
    fix="Nothing: the other requests are decided in the next transaction.",
)
DATABASE_CONNECTIONS: Final = Limit(
    name="database-connections",
    resource="database connections of requests, as a share of the connections that others leave free",
    default=50,
    unit="percent",
    scope=PER_INSTANCE,
    setting="limit_database_percent",
    enforced="samenspel.runtime.postgres:FairPool",
    reaction="back-pressure",
    detail="the requests of one organisation use at most {value} percent of the database connections",
    fix="Send fewer requests at once, and repeat this request after Retry-After seconds.",
)
OPEN_STREAMS: Final = Limit(
    name="open-streams",
    resource="long polls that wait for an event; a long poll also counts as a request",
    default=4,
    unit="long polls",
    scope=PER_INSTANCE,
    setting="limit_streams",
    enforced="services.notifier.api.feed:router",
    reaction="back-pressure",
    detail="at most {value} long polls of one organisation at the same time",
    fix="Use one long poll for all events, or repeat this request after Retry-After seconds.",
)
STREAM_SECONDS: Final = Limit(
    name="stream-seconds",
    resource="duration of one long poll; the cursor of the response continues the stream",
    default=900,
    unit="seconds",
    scope="long poll",
    setting="limit_stream_seconds",
    enforced="services.notifier.api.feed:router",
    reaction="cut",
    detail="a long poll takes at most {value} seconds",
    fix="Send the next request with the Samenspel-Cursor of the response as `after`.",
)
DEFERRED_SUBMISSIONS: Final = Limit(
    name="deferred-submissions",
    resource="deferred submissions",
    default=1_000,
    unit="submissions",
    scope="organisation, per service",
    setting="limit_deferrals",
    enforced="samenspel.messaging.decisions.processor:SubmissionProcessor",
    reaction="refusal",
    detail="at most {value} submissions of one organisation are deferred at the same time",
    fix="Wait for the final answers to deferred submissions, and submit this event again with the same id.",
)
SUBSCRIPTIONS: Final = Limit(
    name="active-subscriptions",
    resource="active subscriptions",
    default=20,
    unit="subscriptions",
    scope="organisation",
    setting="limit_subscriptions",
    enforced="services.notifier.domain.subscriptions:SubscriptionLimits",
    reaction="refusal",
    detail="at most {value} active subscriptions per organisation",
    fix="Cancel a subscription that is not used any more, and send this again. A subscription may have many types.",
)
ENDPOINT_SUBSCRIPTIONS: Final = Limit(
    name="endpoint-subscriptions",
    resource="active subscriptions with the same endpoint",
    default=5,
    unit="subscriptions",
    scope="organisation and endpoint",
    setting="limit_endpoint_subscriptions",
    enforced="services.notifier.domain.subscriptions:SubscriptionLimits",
    reaction="refusal",
    detail="at most {value} active subscriptions per organisation with the same endpoint",
    fix="Choose several types in one subscription, or cancel a subscription with this endpoint.",
)
DELIVERIES: Final = Limit(
    name="deliveries",
    resource="webhook attempts in progress, of all subscriptions of the organisation together",
    default=64,
    unit="attempts",
    scope=PER_INSTANCE,
    setting="limit_deliveries",
    enforced="services.notifier.deliveries.queue:claim",
    reaction="back-pressure",
    detail="at most {value} webhook attempts of one organisation at the same time",
    fix="Nothing: further events follow when attempts end. A receiver that answers faster receives more.",
)
PENDING_DELIVERIES: Final = Limit(
    name="pending-deliveries",
    resource="pending deliveries; further events wait in the feed",
    default=2_000,
    unit="deliveries",
    scope="subscription",
    setting="limit_pending_deliveries",
    enforced="services.notifier.deliveries.queue:enqueue_new",
    reaction="back-pressure",
    detail="at most {value} pending deliveries per subscription",
    fix="Nothing: further events follow when pending events are delivered or acknowledged.",
)
LOGGED_ATTEMPTS: Final = Limit(
    name="logged-attempts",
    resource="entries in the log of webhook attempts; the oldest entries are deleted",
    default=1_000,
    unit="entries",
    scope="subscription",
    setting=None,
    enforced="services.notifier.store.attempts:KEPT_MAX",
    reaction="cut",
    detail="at most {value} attempts are kept per subscription",
    fix="Read the attempts soon after a failure.",
)
REPLACED_SECRETS: Final = Limit(
    name="replaced-secrets",
    resource="replaced secrets of a subscription that still sign",
    default=4,
    unit="secrets",
    scope="subscription",
    setting=None,
    enforced="services.notifier.store.endpoints:REPLACED_SECRETS_MAX",
    reaction="refusal",
    detail="at most {value} replaced secrets of a subscription sign at the same time",
    fix="Wait until the first replaced secret has ended, 24 hours after its replacement.",
)
WAITING_ENDPOINTS: Final = Limit(
    name="waiting-endpoints",
    resource="webhook addresses stored for subscriptions that are not accepted yet",
    default=100,
    unit="addresses",
    scope="organisation",
    setting=None,
    enforced="services.notifier.store.endpoints:WAITING_MAX",
    reaction="back-pressure",
    detail="at most {value} webhook addresses are stored for subscriptions that are not accepted yet",
    fix="Repeat this request after Retry-After seconds. Send an Idempotency-Key to repeat a request safely.",
)
IDEMPOTENCY_KEYS: Final = Limit(
    name="idempotency-keys",
    resource="idempotency keys of the last 24 hours",
    default=1_000,
    unit="keys",
    scope="organisation",
    setting=None,
    enforced="services.notifier.store.idempotency:KEYS_PER_ORGANISATION",
    reaction="back-pressure",
    detail="at most {value} idempotency keys of one organisation in 24 hours",
    fix="Send requests without Idempotency-Key, or repeat this request after Retry-After seconds.",
)
STORED_BYTES: Final = Limit(
    name="stored-bytes",
    resource="bytes stored for quarantined records and refused submissions; the use decreases evenly over the day",
    default=64 * MEBIBYTE,
    unit="bytes per day",
    scope="organisation, per service",
    setting="limit_stored_bytes",
    enforced="samenspel.messaging.inbox.storage_budget:StorageBudget",
    reaction="back-pressure",
    detail="at most {value} bytes per day are stored for refused submissions of one organisation",
    fix="Repair the refused submissions before sending more. Accepted submissions do not count.",
)
FOREIGN_RANGES: Final = Limit(
    name="foreign-ranges",
    resource="stored ranges of records that are no canonical events; the oldest ranges are merged",
    default=100,
    unit="ranges",
    scope="followed lane, per service",
    setting=None,
    enforced="samenspel.messaging.projections.foreign_records:RANGES_MAX",
    reaction="cut",
    detail="at most {value} ranges of a lane are kept apart",
    fix="Find the writer of the records, and rotate its credential.",
)
LIMITS: Final = (
    RECORD_ATTRIBUTES,
    PROBLEMS,
    UNFOLDED_BYTES,
    DECODED_BYTES,
    HTTP_FIELDS,
    HTTP_BYTES,
    HTTP_REQUESTS,
    HTTP_SUBMISSIONS,
    HTTP_GROUP,
    DATABASE_CONNECTIONS,
    OPEN_STREAMS,
    STREAM_SECONDS,
    DEFERRED_SUBMISSIONS,
    SUBSCRIPTIONS,
    ENDPOINT_SUBSCRIPTIONS,
    DELIVERIES,
    PENDING_DELIVERIES,
    LOGGED_ATTEMPTS,
    REPLACED_SECRETS,
    WAITING_ENDPOINTS,
    IDEMPOTENCY_KEYS,
    STORED_BYTES,
    FOREIGN_RANGES,
)
