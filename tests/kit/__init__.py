"""What tests of the running system stand on. Fixtures are in ``tests/conftest.py``; read this for what they give.

`waiting` (wait for a condition), `organisations` (a fresh one per test), `events` (valid submissions), `doors`
(submitting over HTTP and Kafka), `reading` (receipts and canonical records), `invariants` (the law, checked).
"""
