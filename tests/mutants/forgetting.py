"""Protections of retention: what may never be removed."""

from typing import Final

from tests.mutants.mutant import Mutant

_RECEIPTS: Final = "tests/integration/messaging/outbox/test_receipt_retention.py"
_ANSWERS: Final = "tests/integration/messaging/inbox/test_answer_retention.py"

FORGETTING: Final = (
    Mutant(
        "forgets-identity",
        "samenspel.messaging.inbox.answer_retention:COMPACT",
        "update submission s set answer = x.compact, answered_at = null\nfrom unnest",
        "delete from submission s using unnest",
        f"{_ANSWERS}::test_nothing_is_decided_again_after_the_retention",
    ),
    Mutant(
        "forgets-the-content",
        "samenspel.messaging.inbox.compact_answers:compact",
        "bytes.fromhex(known.hash)",
        "bytes(32)",
        f"{_ANSWERS}::test_old_answer_takes_at_most_200_bytes_and_stays_the_answer",
    ),
    Mutant(
        "forgets-a-deferred-answer",
        "samenspel.messaging.inbox.compact_answers:has_compact_form",
        'answer["outcome"] in _OUTCOME_NUMBERS and',
        "answer.update(outcome='rejected') is None and",
        f"{_ANSWERS}::test_deferred_answer_is_kept_however_old",
    ),
    Mutant(
        "forgets-young-details",
        "samenspel.messaging.inbox.answer_retention:OLD",
        "statement_timestamp() - $5::interval",
        "statement_timestamp() - $5::interval * 0",
        f"{_ANSWERS}::test_younger_answer_keeps_its_details",
    ),
    Mutant(
        "keeps-problem-texts",
        "samenspel.messaging.inbox.answer_retention:remove_details",
        "if not rows:",
        "if rows:",
        f"{_ANSWERS}::test_old_answer_takes_at_most_200_bytes_and_stays_the_answer",
    ),
    Mutant(
        "removes-canonical-rows",
        "samenspel.messaging.outbox.receipt_retention:REMOVE",
        " and starts_with(l.topic, $3)",
        " and $3::text is not null",
        f"{_RECEIPTS}::test_canonical_events_are_never_removed",
    ),
    Mutant(
        "removes-unpublished-rows",
        "samenspel.messaging.outbox.receipt_retention:REMOVE",
        "sequence > l.removed and sequence <= l.published",
        "sequence > l.removed",
        f"{_RECEIPTS}::test_unpublished_receipts_stay",
    ),
    Mutant(
        "removes-young-rows",
        "samenspel.messaging.outbox.receipt_retention:REMOVE",
        "j.at < statement_timestamp() - $4::interval",
        "$4::interval is not null",
        f"{_RECEIPTS}::test_younger_receipts_stay",
    ),
    Mutant(
        "removes-rows-of-closed-lanes",
        "samenspel.messaging.outbox.receipt_retention:REMOVE",
        " and l.reconciled = (select incarnation())",
        "",
        f"{_RECEIPTS}::test_closed_lane_loses_nothing",
    ),
    Mutant(
        "removes-behind-a-young-row",
        "samenspel.messaging.outbox.receipt_retention:REMOVE",
        "over (order by j.sequence) as old",
        "over (partition by j.sequence) as old",
        f"{_RECEIPTS}::test_row_behind_a_younger_row_stays",
    ),
    Mutant(
        "removes-without-a-mark",
        "samenspel.messaging.outbox.receipt_retention:REMOVE",
        "from l, upto u where u.sequence is not null",
        "from l, upto u where false",
        "tests/integration/messaging/outbox/test_reconciler.py::test_lanes_open_after_receipts_were_removed",
    ),
    Mutant(
        "compares-removed-rows",
        "samenspel.messaging.outbox.reconciliation:require_same_events",
        "sequence in journalled or sequence > removed",
        "True",
        "tests/integration/messaging/outbox/test_reconciler.py::test_lanes_open_after_receipts_were_removed",
    ),
    Mutant(
        "compares-nothing-after-a-removal",
        "samenspel.messaging.outbox.reconciliation:require_same_events",
        "sequence in journalled or sequence > removed",
        "not removed",
        "tests/integration/messaging/outbox/test_reconciler.py::test_no_lane_opens_when_a_receipt_behind_the_start_of_the_journal_differs",
    ),
    Mutant(
        "removes-before-all-instances-can-read",
        "samenspel.messaging.service.retention_worker:MAY_BEGIN",
        "interval '1 day'",
        "interval '0'",
        "tests/integration/messaging/service/test_retention_worker.py::test_worker_waits_a_day_for_instances_of_the_version_before",
    ),
    Mutant(
        "reads-every-receipt",
        "samenspel.messaging.outbox.receipt_retention:OLDEST",
        "  order by sequence limit 1) oldest",
        "  order by sequence limit 1000000) oldest",
        "tests/integration/test_sql_plans.py::test_rows_read_are_as_many_on_a_longer_history",
    ),
    Mutant(
        "publishes-again-without-end",
        "samenspel.messaging.outbox.reconciliation:_tail",
        'published["removed"], start)',
        "0, start)",
        "tests/integration/messaging/outbox/test_reconciler.py::test_log_published_again_without_removed_receipts_is_whole",
    ),
    Mutant(
        "begins-anywhere-after-a-removal",
        "samenspel.messaging.outbox.reconciliation:_tail",
        "-1 if start else",
        "-1 if start or published['removed'] else",
        "tests/integration/messaging/outbox/test_reconciler.py::test_receipt_on_the_way_does_not_hide_receipts_that_kafka_lost",
    ),
    Mutant(
        "recovers-with-a-gap",
        "samenspel.messaging.recovery.lane_recovery:_skip_expired",
        "await receipt_retention.begin_after(connection, (lane.topic, lane.lane), position[1] - 1)",
        "pass",
        "tests/integration/messaging/recovery/test_lane_recovery.py::test_backup_older_than_the_start_of_the_log_gets_one_start",
    ),
)
