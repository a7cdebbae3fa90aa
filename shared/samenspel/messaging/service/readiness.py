"""Readiness: the problems of a service, by name."""

from samenspel.messaging.service.runtime import ServiceRuntime


def problems(runtime: ServiceRuntime, name: str) -> dict[str, str]:
    """What is not in order now, by name; empty when this service is ready."""
    found = {f"door {lane}": reason for lane, reason in runtime.reconciler.closed_lanes.items()}
    if runtime.reconciler.needs_recovery:
        found["recover"] = f"Kafka holds what this database has lost: `samenspel lanes recover {name}` brings it back"
    found |= {f"lane {lane}": "stalled: the log misses an event" for lane in runtime.projector.stalled}
    found |= {
        f"lane {lane}": f"its owner started it anew: made again from timeline {timeline}"
        for lane, timeline in runtime.projector.rebuilding.items()
    }
    found |= {f"lane {lane}": f"diverged at {at}" for lane, at in runtime.projector.diverged.items()}
    if runtime.reconciler.log_unreachable or not runtime.relay.connected:
        found["relay"] = "Kafka or PostgreSQL is away, or not compared yet"
    if lack := runtime.storage.reason:
        found["database"] = f"cannot store: {lack}"
    return found | runtime.membership.problems()
