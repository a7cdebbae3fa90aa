"""The law of lanes: what keeps every copy equal to its owner's, over asyncpg, aiokafka and FastStream.

Read in this order: `law` (the rule), `lanes` (where sequence and digest advance), `publishing` (the bytes),
`desk`, `sitting` and `behind` (the one transaction), `doors`, `batches`, `transports`, `reader` and `ingress` (what
comes in), `comparison`, `gate` and `relay` (what goes out), `positions` and `projector` (following others),
`heartbeat` and `membership` (leaving the work to others), `service` (all of it together).
For the operator: `recovery`, `folding`, `recalling`, `timelines` and `upkeep` (a lane and Kafka came apart),
`quarantine` and `redrive` (what could not be read or decided).
"""
