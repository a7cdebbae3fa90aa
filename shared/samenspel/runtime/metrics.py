"""Every metric, declared once, with a sentence. Emission elsewhere imports it from here."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ANSWERS: Final = Counter("samenspel_answers_total", "Submissions answered, by outcome and door", ["outcome", "door"])
PUBLISHED: Final = Counter("samenspel_published_total", "Journal rows acknowledged by Kafka")
APPLIED: Final = Counter("samenspel_applied_total", "Canonical events of others applied to the local copy")
JOURNAL_BACKLOG: Final = Gauge("samenspel_journal_backlog", "Journal rows that Kafka has not acknowledged")
DOORS_CLOSED: Final = Gauge(
    "samenspel_doors_closed", "Lanes on which nothing may be published until they are compared or recovered"
)
STALLED: Final = Gauge("samenspel_lanes_stalled", "Lanes of others whose log misses an event that we need")
DIVERGED: Final = Gauge("samenspel_lanes_diverged", "Lanes whose digest here is another than their owner's")
REBUILT: Final = Counter(
    "samenspel_lanes_rebuilt_total", "Lanes of others that their owner started anew, copied again from their start"
)
INGRESS_RETURNED: Final = Counter(
    "samenspel_ingress_returned_total", "Ingress logs found cut back or made anew, and read again from their start"
)
SILENCES: Final = Counter(
    "samenspel_database_silences_total",
    "Times that the database was silent for too long, and this instance left its partitions to others",
)
WAITING: Final = Gauge("samenspel_submissions_waiting", "Submissions that wait for a fact of another service")
QUARANTINED: Final = Gauge("samenspel_quarantined", "Records set apart, by reason", ["reason"])
ATTEMPTS: Final = Counter(
    "samenspel_webhook_attempts_total", "Attempts to tell a subscription, by outcome", ["outcome"]
)
DECIDE_SECONDS: Final = Histogram(
    "samenspel_decide_seconds",
    "Duration of a deciding transaction, whole batch",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
