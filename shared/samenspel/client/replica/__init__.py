"""A replica: an organisation's own copy of everything that is shared, verified event by event, made for plain SQL.

Read in this order: `schema.sql` (what is in the file) and `views.sql` (what people ask of it), `headers` (the
bytes), `copy` (the law, applied), `store` (one transaction), `kafka` and `feed` (where events come from), `filling`
and `reading` (many at once into an empty file), `verify` and `diff` (the proof).
"""

from samenspel.client.replica.apply import Divergence
from samenspel.client.replica.diff import Difference, diff
from samenspel.client.replica.feed import sync_over_http
from samenspel.client.replica.kafka import sync_over_kafka
from samenspel.client.replica.report import LaneReport, SyncReport
from samenspel.client.replica.store import ReplicaError, ReplicaStore
from samenspel.client.replica.verify import VerifyReport, verify

__all__ = [
    "Difference",
    "Divergence",
    "LaneReport",
    "ReplicaError",
    "ReplicaStore",
    "SyncReport",
    "VerifyReport",
    "diff",
    "sync_over_http",
    "sync_over_kafka",
    "verify",
]
