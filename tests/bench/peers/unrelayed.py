"""The registry without its relay: it decides and fills the journal, and publishes nothing."""

from typing import Any

from samenspel.messaging.outbox.relay import Relay

from services.registry.app import run


async def nothing(relay: Relay) -> dict[Any, Any]:
    """No lane has unpublished events; the relay goes on to reconcile the lanes."""
    return {}


if __name__ == "__main__":
    Relay._claim = nothing  # type: ignore[method-assign]
    run()
