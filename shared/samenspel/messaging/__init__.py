"""The law of lanes: what keeps every copy equal to its owner's, over asyncpg, aiokafka and FastStream.

Read in this order: `law` (the rule), `lanes` (where sequence and digest advance), `publishing` (the bytes),
`desk` (the one transaction), `doors` and `ingress` (what comes in), `comparison` and `relay` (what goes out),
`positions` and `projector` (following others), `service` (all of it together).
"""
