"""The notifier: delivers canonical events to organisations by webhook (push) or feed (pull), on one cursor.

Owner of `samenspel.notifications`. Follows all canonical topics.

* ``domain``: cursors, subscription rules, retry policy.
* ``feed``: the stored canonical events, read by cursor.
* ``deliveries``: queue of pending webhooks, worker, recorded attempts.
* ``endpoints``: SSRF checks of webhook addresses, Standard Webhooks signatures.
"""
