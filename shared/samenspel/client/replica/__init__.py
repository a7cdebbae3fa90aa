"""Replica: all canonical events in an SQLite file of an organisation, verified event by event, for plain SQL.

Reading order: `schema.sql` (event log), `tables`, `table_definitions`, `table_statements`, `views.sql` (state now),
`current_state` (written with each commit), `moment` and `past_state` (any past moment), `headers` (bytes of an
event), `apply` (sequencing rule and digest), `connection` and `store` (opening, transactions), `refusals` and
`recognition` (a source of another system), `kafka` and `feed` (sources), `parallel_load` and `load_worker` (fast
loading of a new file), `verify`, `verify_tables` and `diff` (proof).
"""

from samenspel.client.replica.apply import Divergence
from samenspel.client.replica.connection import ReplicaError
from samenspel.client.replica.diff import Difference, diff
from samenspel.client.replica.feed import sync_over_http
from samenspel.client.replica.kafka import sync_over_kafka
from samenspel.client.replica.moment import PastMoment, read_moment
from samenspel.client.replica.refusals import REBUILD
from samenspel.client.replica.report import LaneReport, SyncReport
from samenspel.client.replica.store import ReplicaStore
from samenspel.client.replica.verify import VerifyReport, verify
from samenspel.client.replica.verify_tables import TableFault

__all__ = [
    "REBUILD",
    "Difference",
    "Divergence",
    "LaneReport",
    "PastMoment",
    "ReplicaError",
    "ReplicaStore",
    "SyncReport",
    "TableFault",
    "VerifyReport",
    "diff",
    "read_moment",
    "sync_over_http",
    "sync_over_kafka",
    "verify",
]
