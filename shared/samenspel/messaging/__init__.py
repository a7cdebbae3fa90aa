"""The law of lanes over asyncpg, aiokafka and FastStream: everything a service needs besides the service's own rules.

A service imports from here only. A package imports only from packages further right:
``service``, ``operator``, ``ingress | recovery``, ``decisions``, ``inbox | outbox | projections``, ``kafka``,
``errors``.

* ``ingress``: submissions over Kafka and HTTP, and deferred submissions with a fulfilled condition.
* ``decisions``: a transaction locks, loads, asks the service's `Decider`, and writes.
* ``inbox``: first answers, deferrals, quarantine and ingress offsets, for idempotent receiving.
* ``outbox``: the journal, the relay to Kafka, and the reconciliation of a lane with Kafka before publishing.
* ``projections``: copies of other services' aggregates, with a checkpoint per lane.
* ``recovery`` and ``operator``: the operator's tools after a restore and for quarantined records.
"""

from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.state import AggregateChange, DecisionState, StoredAggregate
from samenspel.messaging.errors import TRANSIENT, LogEndsUnavailable
from samenspel.messaging.ingress.http_api import submit_over_http
from samenspel.messaging.ingress.submitter import Submitter
from samenspel.messaging.kafka.log_ends import LogEnds
from samenspel.messaging.projections.projector import ProjectionListener
from samenspel.messaging.service.app import create_app, serve
from samenspel.messaging.service.definition import BackgroundWork, ServiceContext, ServiceDefinition

__all__ = [
    "TRANSIENT",
    "AggregateChange",
    "BackgroundWork",
    "Decider",
    "DecisionState",
    "LogEnds",
    "LogEndsUnavailable",
    "ProjectionListener",
    "ServiceContext",
    "ServiceDefinition",
    "StoredAggregate",
    "Submitter",
    "create_app",
    "serve",
    "submit_over_http",
]
