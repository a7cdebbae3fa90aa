"""Whether a service is ready, and if not, why."""

from samenspel.messaging.service.messaging import Messaging


def amiss(messaging: Messaging, name: str) -> dict[str, str]:
    """What is not in order now, by name; empty when this service is ready."""
    found = {f"door {lane}": reason for lane, reason in messaging.gate.closed.items()}
    if messaging.gate.is_behind:
        found["recover"] = f"Kafka holds what this database has lost: `samenspel lanes recover {name}` brings it back"
    found |= {f"lane {lane}": "stalled: the log misses an event" for lane in messaging.projector.stalled}
    found |= {
        f"lane {lane}": f"its owner started it anew: made again from timeline {timeline}"
        for lane, timeline in messaging.projector.rebuilding.items()
    }
    found |= {f"lane {lane}": f"diverged at {at}" for lane, at in messaging.projector.diverged.items()}
    if messaging.gate.is_blind or not messaging.relay.connected:
        found["relay"] = "Kafka or PostgreSQL is away, or not compared yet"
    if lack := messaging.room.lack:
        found["database"] = f"cannot store: {lack}"
    return found | messaging.membership.amiss()
