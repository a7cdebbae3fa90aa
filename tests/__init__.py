"""The tests, by required servers.

`unit` and `integration` mirror the source: the test of ``messaging/outbox/relay.py`` is
``unit/messaging/outbox/test_relay.py`` (no server) or ``integration/messaging/outbox/test_relay.py`` (PostgreSQL).
`system` tests the running local system, `security` the rights and bounds, `hostile_input` malformed input at three
levels. `faults` kills, stops and restores services and servers; `model` explores the law of lanes as a state machine;
`mutants` switches off a protection at a time; `bench` measures. `architecture` checks the checkout. `support` holds
the shared tools.
"""
