"""Tools of the tests. Fixtures are in ``tests/conftest.py``.

Running system: `waiting` (wait for a condition), `organisations` (new per test), `events` (valid submissions),
`submitting` (over HTTP and Kafka), `reading` (receipts and canonical records), `invariants` (the law, checked),
`service_process` and `proxy` (services to kill, connections to break), `record_batches` and `kafka_protocol` (raw
bytes). PostgreSQL alone: `postgres`, `service_schema`, `deciders`, `memory_log` (Kafka as lists), `crash`,
`deferrals`. No server: `lane_owner` and `replicas`, `funding_cases`, `cli`, `forged_tokens`, `settings`.
"""
