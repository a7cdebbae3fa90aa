"""Values of parameters that the text of a statement does not tell: an SQL expression by number of the parameter.

A statement has several samples when its plan depends on the values, such as the filters of a list.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from services.notifier.deliveries.queue import EVENTS_AT_ONCE, LANES_AT_ONCE

Sample = Mapping[int, str]

_LANES: Final = "(select array_agg({} order by topic, lane) from checkpoint)"
_RANGE: Final = {
    1: _LANES.format("topic"),
    2: _LANES.format("lane"),
    3: _LANES.format("timeline"),
    4: _LANES.format("sequence / 2"),
    5: _LANES.format("sequence / 2 + 20"),
}
"""A page of 1,000 events of 48 lanes, from the middle of the feed."""
_NEWS: Final = """
(select array_agg({} order by subscription_id, topic, lane)
 from (select * from subscription_cursor order by subscription_id, topic, lane limit 200) c)
"""
_RUNNING: Final = "(select array_agg({}) from (select * from subscription where active limit 100) s)"
_FEW: Final = "(select array_agg({}) from (select * from subscription order by subscription_id limit 20) s)"
_DEPTH: Final = "(select initiative_id from initiative_index order by initiative_id desc offset 2000 limit 1)"
_NOTIFICATIONS: Final = "'samenspel.notifications'"
_RECEIPTS: Final = "'samenspel.receipts.initiatives.'"
_RECEIPTS_LANE: Final = f"{_RECEIPTS} || oin(7)"

SAMPLES: Final[Mapping[str, Sequence[Sample]]] = {
    "inbox.answer_retention.OLD": [{1: "'-infinity'", 2: "''", 3: "''", 4: "''", 5: "interval '90 days'", 6: "500"}],
    "inbox.due_deferrals.NEEDING": [
        {
            1: "array_fill('organisation.v1'::text, array[500])",
            2: "(select array_agg(oin(n)) from generate_series(0, 499) n)",
            3: "0",
        }
    ],
    "inbox.due_deferrals.PASS": [{1: "(select max(number) / 2 from deferral)", 3: "true"}],
    "inbox.quarantine.PAGE": [{1: "(select max(number) / 2 from quarantine)"}],
    "inbox.quarantine.PAGE_OF_OPEN": [{1: "0"}],
    "inbox.storage_budget.CHARGE": [{3: "776"}],
    "inbox.storage_budget.OVERRUN": [{2: "776", 3: "86400"}],
    "inbox.storage_budget.USE": [{1: "776"}],
    "inbox.quarantine.RECORD_ACTION": [{1: "(select max(number) from quarantine)", 5: "'failed'"}],
    "outbox.journal.WITH_PREFIX": [{1: _RECEIPTS}],
    "outbox.journal.WRITE": [
        {
            1: "array['samenspel.initiatives', 'samenspel.organisations']",
            2: "array[0, 1]",
            3: "array[1, 1]",
            4: "array[100000000, 100000000]",
            5: "array[sha256(''), sha256('')]",
            6: "array[0, 100]",
            7: "array[100, 200]",
            **{
                number: "(select string_agg(n::text, chr(30)) from generate_series(1, 200) n)"
                for number in (8, 9, 10)
            },
        }
    ],
    "outbox.relay.CLAIM": [
        {
            1: "gen_random_uuid()",
            2: "incarnation()",
            3: _LANES.format("topic"),
            4: _LANES.format("lane"),
            5: _LANES.format("timeline"),
            6: _LANES.format("0"),
            7: _LANES.format("0"),
        }
    ],
    "outbox.receipt_retention.OLDEST": [{1: _RECEIPTS, 2: "''", 3: "0"}],
    "outbox.receipt_retention.REMOVE": [
        {1: _RECEIPTS_LANE, 2: "0", 3: _RECEIPTS, 4: "interval '90 days'", 5: "1000"}
    ],
    "outbox.receipt_retention.BEGIN_AFTER": [{1: _RECEIPTS_LANE, 2: "0", 3: "10", 4: _RECEIPTS}],
    "projections.foreign_records.MERGE": [{1: _LANES.format("topic"), 2: _LANES.format("lane"), 3: "50"}],
    "recovery.timelines.COPY": [{1: _RECEIPTS_LANE, 2: "0", 3: "1", 4: "2"}],
    "registry.store.INITIATIVES": [{1: _DEPTH}],
    "registry.store.INITIATIVES_OF_THEME": [{1: _DEPTH, 3: "'mobility'"}, {1: "''", 3: "'rare'"}],
    "registry.store.INITIATIVES_OF_PHASE": [{1: _DEPTH, 3: "'idea'"}, {1: "''", 3: "'rare'"}],
    "registry.store.INITIATIVES_OF_THEME_AND_PHASE": [
        {1: _DEPTH, 3: "'mobility'", 4: "'idea'"},
        {1: "''", 3: "'rare'", 4: "'rare'"},
    ],
    "registry.store.INITIATIVES_OF_LEAD": [
        {1: "''", 3: "oin(7)", 4: "null", 5: "null"},
        {1: "''", 3: "oin(7)", 4: "'mobility'", 5: "'rare'"},
    ],
    "registry.store.ORGANISATIONS": [{1: "oin(900)"}],
    "funding.store.PAGE_OF_PROGRAMMES": [
        {1: "(select programme_id from budget order by programme_id desc offset 200 limit 1)"}
    ],
    "funding.store.APPLICATIONS": [{1: "uid('p', 0)", 2: "'8'"}],
    "funding.store.COMMIT_GRANTS": [
        {
            1: "(select array_agg(programme_id) from (select programme_id from budget limit 20) b)",
            2: "array_fill(1, array[20])",
        }
    ],
    "notifier.deliveries.attempts.COUNT": [
        {1: _FEW.format("subscription_id"), 6: "array_fill(null::int, array[20])"}
    ],
    "notifier.deliveries.attempts.RECOVERED": [{1: "array[uid('s', 0), uid('s', 2)]"}],
    "notifier.store.subscriptions.ACTIVE": [{1: _FEW.format("distinct organisation")}],
    "notifier.deliveries.queue.LAGGING_CURSORS": [
        {1: str(EVENTS_AT_ONCE), 2: str(LANES_AT_ONCE), 3: "2000", 4: "40", 5: "array[uid('s', 0)]"}
    ],
    "notifier.deliveries.queue.INSERT_DELIVERIES": [
        {
            1: _NEWS.format("subscription_id"),
            2: _NEWS.format("topic"),
            3: _NEWS.format("lane"),
            4: _NEWS.format("timeline"),
            5: _NEWS.format("50"),
            6: _NEWS.format("55"),
            7: _NOTIFICATIONS,
        }
    ],
    "notifier.deliveries.queue.CLAIM": [
        {
            1: _RUNNING.format("subscription_id"),
            2: _RUNNING.format("1"),
            3: "32",
            4: "60",
            5: "'me'",
            6: "24",
            7: _RUNNING.format("organisation"),
            8: _RUNNING.format("1"),
            9: "64",
            10: "512",
        }
    ],
    "notifier.deliveries.queue.RELEASE": [{1: "'me'"}],
    "notifier.feed.READ": [
        {**_RANGE, 6: "'{}'", 7: "null", 8: _NOTIFICATIONS},
        {**_RANGE, 6: "array['nl.samenspel.initiative-changed.v1']", 7: "oin(7)", 8: _NOTIFICATIONS},
    ],
    "notifier.store.attempts.ATTEMPTS": [{1: "uid('s', 0)"}],
    "notifier.store.attempts.DELETE_OLD": [{1: "30", 2: "10000"}],
    "notifier.store.attempts.DELETE_SURPLUS": [{1: "1000", 2: "''", 3: "100"}],
    "notifier.store.endpoints.KEEP_REPLACED": [{3: "24"}],
    "notifier.store.endpoints.DELETE_UNUSED": [{1: "1"}],
    "notifier.store.idempotency.CLAIM": [{2: "'new'", 5: "1000"}],
    "notifier.store.idempotency.DELETE_OLD": [{1: "24", 2: "10000"}],
    "notifier.store.subscriptions.INSERT_CURSOR": [
        {
            1: "'new'",
            2: "(select array_agg(distinct topic) from checkpoint)",
            3: "12",
            4: "true",
            5: "false",
            6: _LANES.format("topic"),
            7: _LANES.format("lane"),
            8: _LANES.format("last_offset + 10"),
        }
    ],
    "notifier.store.subscriptions.FIGURES": [
        {1: "oin(7)", 2: "null", 3: "''"},
        {1: "oin(7)", 2: "uid('s', 7)", 3: "''"},
    ],
}
