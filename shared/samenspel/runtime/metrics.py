"""All metrics of the services, each with a help text. Other modules import the metrics from here."""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ANSWERS: Final = Counter(
    "samenspel_answers_total", "Submissions answered, by outcome and entry point", ["outcome", "entry_point"]
)
RELAYED_EVENTS: Final = Counter("samenspel_relayed_events_total", "Journal rows acknowledged by Kafka")
APPLIED_EVENTS: Final = Counter("samenspel_applied_events_total", "Canonical events applied to projections")
JOURNAL_BACKLOG: Final = Gauge("samenspel_journal_backlog", "Journal rows that Kafka has not acknowledged")
RECENT_BYTES: Final = Gauge(
    "samenspel_recent_journal_bytes", "Bytes of committed journal rows in memory, for the relay of this process"
)
LANES_NOT_RECONCILED: Final = Gauge(
    "samenspel_lanes_not_reconciled", "Lanes that refuse writes until reconciled with Kafka or recovered"
)
LANES_STALLED: Final = Gauge("samenspel_lanes_stalled", "Followed lanes with a missing next event in the log")
LANES_DIVERGED: Final = Gauge("samenspel_lanes_diverged", "Followed lanes with another digest than the owner")
FOREIGN_RECORDS: Final = Gauge(
    "samenspel_foreign_records", "Records on followed lanes that are no canonical events, since the first reading"
)
INGRESS_HELD: Final = Gauge(
    "samenspel_ingress_held", "Ingress partitions that are not read, because a needed lane is diverged"
)
INGRESS_UNDISCOVERED: Final = Gauge(
    "samenspel_ingress_undiscovered", "Admitted organisations whose ingress topic is not read yet"
)
LANES_REBUILT: Final = Counter(
    "samenspel_lanes_rebuilt_total", "Followed lanes rebuilt from their first event after a new timeline"
)
INGRESS_RESETS: Final = Counter(
    "samenspel_ingress_resets_total",
    "Ingress logs that were truncated or recreated, and are read again from their start",
)
DATABASE_SILENCES: Final = Counter(
    "samenspel_database_silences_total",
    "Times that PostgreSQL did not answer for too long, and this instance released its partitions",
)
DEFERRED_SUBMISSIONS: Final = Gauge(
    "samenspel_deferred_submissions",
    "Deferred submissions: an aggregate is missing; of each organisation up to its limit",
)
HASH_KEYS_MISSING: Final = Gauge(
    "samenspel_hash_keys_missing", "Keys of submission hashes that the service needs and the settings do not have"
)
QUARANTINED_RECORDS: Final = Gauge("samenspel_quarantined_records", "Quarantined records, by reason", ["reason"])
RETENTION_ROWS: Final = Counter(
    "samenspel_retention_rows_total", "Rows removed or shortened because their retention has passed", ["kind"]
)
RETENTION_BYTES: Final = Counter(
    "samenspel_retention_bytes_total", "Bytes of content removed because the retention has passed", ["kind"]
)
RETENTION_OVERDUE: Final = Gauge(
    "samenspel_retention_overdue_seconds",
    "Time since the end of the retention of the oldest row that may still be removed; 0 without such a row",
    ["kind"],
)
DEPENDENCY_UP: Final = Gauge(
    "samenspel_dependency_up",
    "Whether a dependency of the service answers: 1 or 0, by dependency",
    ["dependency"],
)
LOG_LINES_SUPPRESSED: Final = Counter(
    "samenspel_log_lines_suppressed_total", "Log lines not written: repeats, and consequences of a reported cause"
)
LOG_LINES_LOST: Final = Counter(
    "samenspel_log_lines_lost_total", "Log lines that could not be written: the disk is full or stdout is closed"
)
WEBHOOK_ATTEMPTS: Final = Counter("samenspel_webhook_attempts_total", "Webhook attempts, by outcome", ["outcome"])
DECIDE_SECONDS: Final = Histogram(
    "samenspel_decide_seconds",
    "Duration of a decision transaction, whole batch, in seconds",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
HTTP_GROUP_SUBMISSIONS: Final = Histogram(
    "samenspel_http_group_submissions",
    "Submissions over HTTP that one transaction decides together",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
HTTP_GROUP_WAIT_SECONDS: Final = Histogram(
    "samenspel_http_group_wait_seconds",
    "Wait of a request with submissions until its transaction begins, in seconds",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
LIMIT: Final = Gauge("samenspel_limit", "Configured value of a limit per organisation", ["limit"])
LIMIT_USE: Final = Gauge(
    "samenspel_limit_use", "Present use of a limit, by organisation; absent for no use", ["limit", "organisation"]
)
LIMIT_REACHED: Final = Counter(
    "samenspel_limit_reached_total",
    "Refusals and pauses because an organisation reached a limit",
    ["limit", "organisation"],
)
NOT_ADMITTED: Final = "not admitted"
_admitted: set[str] = set()


def set_admitted_organisations(organisations: Iterable[str]) -> None:
    """Bound the label ``organisation`` to these OINs; the label of any other OIN is `NOT_ADMITTED`."""
    _admitted.clear()
    _admitted.update(organisations)


def count_limit_reached(limit: str, organisation: str) -> None:
    """Count that the organisation reached the limit with this name."""
    LIMIT_REACHED.labels(limit, _label(organisation)).inc()


def set_limit_use(use: Mapping[str, Mapping[str, float]]) -> None:
    """Replace the present use by these figures, by limit and organisation."""
    LIMIT_USE.clear()
    for limit, by_organisation in use.items():
        for organisation, figure in by_organisation.items():
            LIMIT_USE.labels(limit, _label(organisation)).inc(figure)


def _label(organisation: str) -> str:
    return organisation if organisation in _admitted else NOT_ADMITTED
