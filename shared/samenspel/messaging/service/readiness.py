"""Readiness of a service: the present problems, by name."""

from samenspel.messaging.service.runtime import ServiceRuntime
from samenspel.runtime.dependencies import Dependencies


def problems(dependencies: Dependencies, runtime: ServiceRuntime | None, name: str) -> dict[str, str]:
    """The present problems by name; empty for a ready service. ``/readyz`` shows these names and texts.

    ``runtime`` is None until the database has answered.
    """
    found = dict(dependencies.problems())
    if runtime is None:
        return found or {"start": "the service is starting"}
    return found | _of_messaging(runtime, name)


def _of_messaging(runtime: ServiceRuntime, name: str) -> dict[str, str]:
    """Problems of lanes, recovery, relay, storage and consumer groups."""
    reconciler, projector = runtime.reconciler, runtime.projector
    found = {f"lane {lane} not reconciled": reason for lane, reason in reconciler.closed_lanes.items()}
    if reconciler.needs_recovery:
        found["recovery"] = (
            f"Kafka holds events that this database has lost: run `samenspel lanes recover {name}` "
            "or POST /v1/lanes/recoveries"
        )
    found |= {f"lane {lane} stalled": "an event is missing in the log" for lane in projector.stalled}
    found |= {
        f"lane {lane} rebuilding": f"the owner started timeline {timeline}; the projection is built again"
        for lane, timeline in projector.rebuilding.items()
    }
    found |= {
        f"lane {topic}/{lane} diverged": f"{found.reason}; submissions that need this lane are not taken"
        for (topic, lane), found in projector.diverged.items()
    }
    if reconciler.log_unreachable or not runtime.relay.connected:
        found["relay"] = "Kafka or PostgreSQL is unreachable, or the lanes are not reconciled yet"
    if reason := runtime.storage.reason:
        found["database"] = f"the database cannot store: {reason}"
    return found | runtime.hash_keys.problems() | runtime.membership.problems()
