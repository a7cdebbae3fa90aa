"""All metrics of the services, each with a help text. Other modules import the metrics from here."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ANSWERS: Final = Counter(
    "samenspel_answers_total", "Submissions answered, by outcome and entry point", ["outcome", "entry_point"]
)
RELAYED_EVENTS: Final = Counter("samenspel_relayed_events_total", "Journal rows acknowledged by Kafka")
APPLIED_EVENTS: Final = Counter("samenspel_applied_events_total", "Canonical events applied to projections")
JOURNAL_BACKLOG: Final = Gauge("samenspel_journal_backlog", "Journal rows that Kafka has not acknowledged")
LANES_NOT_RECONCILED: Final = Gauge(
    "samenspel_lanes_not_reconciled", "Lanes that refuse writes until reconciled with Kafka or recovered"
)
LANES_STALLED: Final = Gauge("samenspel_lanes_stalled", "Followed lanes with a missing next event in the log")
LANES_DIVERGED: Final = Gauge("samenspel_lanes_diverged", "Followed lanes with another digest than the owner")
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
    "samenspel_deferred_submissions", "Deferred submissions: an aggregate of another service has not arrived"
)
QUARANTINED_RECORDS: Final = Gauge("samenspel_quarantined_records", "Quarantined records, by reason", ["reason"])
WEBHOOK_ATTEMPTS: Final = Counter("samenspel_webhook_attempts_total", "Webhook attempts, by outcome", ["outcome"])
DECIDE_SECONDS: Final = Histogram(
    "samenspel_decide_seconds",
    "Duration of a decision transaction, whole batch, in seconds",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
