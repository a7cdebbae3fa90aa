"""Protections of deferrals, quarantine and recovery."""

from typing import Final

from tests.mutants.mutant import Mutant

DEFERRING: Final = (
    Mutant(
        "overtakes-what-waits",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._decide_or_defer",
        "if (lane, submission.subject) not in work.queues:",
        "if True:",
        "tests/integration/messaging/inbox/test_deferrals.py::test_later_submission_on_a_deferred_subject_is_deferred_too",
    ),
    Mutant(
        "decides-out-of-turn",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.process_deferred",
        "not await deferrals.heads_queue(connection, queued)",
        "False",
        "tests/integration/messaging/inbox/test_deferrals.py::test_deferred_submission_that_is_not_first_is_not_decided",
    ),
    Mutant(
        "set-apart-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.quarantine_deferred",
        "await deferrals.remove(",
        "await connection.execute('commit; begin'); await deferrals.remove(",
        "tests/integration/messaging/ingress/test_deferral_worker.py::test_deferred_submission_whose_decision_fails_is_quarantined_atomically",
    ),
    Mutant(
        "set-apart-in-silence",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.quarantine_deferred",
        "self._append_receipts(locked, [answer], rfc3339(self.clock()))",
        "pass",
        "tests/integration/messaging/ingress/test_deferral_worker.py::test_deferred_submission_whose_decision_fails_is_quarantined_atomically",
    ),
    Mutant(
        "set-apart-and-still-deferred",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.quarantine_deferred",
        "await answer_store.delete(connection, queued.identity)",
        "pass",
        "tests/integration/messaging/operator/test_redrive.py::test_retry_of_a_submission_sent_again_meanwhile_is_repeated",
    ),
    Mutant(
        "retried-as-other-content",
        "samenspel.messaging.operator.redrive:Redrive._read",
        'incoming if row["hash"] is None else _as_received(incoming, row)',
        "incoming",
        "tests/integration/messaging/operator/test_redrive.py::test_retried_record_is_decided_with_its_first_content_hash",
    ),
    Mutant(
        "retried-and-written-down-later",
        "samenspel.messaging.operator.redrive:Redrive.retry",
        "await quarantine.record_action(",
        "await connection.execute('commit; begin'); await quarantine.record_action(",
        "tests/integration/messaging/operator/test_redrive.py::test_retry_commits_decision_and_action_together",
    ),
    Mutant(
        "recovers-no-state",
        "samenspel.messaging.recovery.replay:EventReplay.apply",
        "await aggregates.save(connection, changed, dict.fromkeys(changed, name))",
        "pass",
        "tests/integration/messaging/recovery/test_lane_recovery.py::test_recovered_lane_equals_the_lost_state_byte_for_byte",
    ),
    Mutant(
        "recovers-no-tables",
        "samenspel.messaging.recovery.replay:EventReplay.apply",
        "await self.decider.save(connection, DecisionState(own), changes)",
        "pass",
        "tests/integration/messaging/recovery/test_lane_recovery.py::test_recovered_lane_equals_the_lost_state_byte_for_byte",
    ),
    Mutant(
        "recovers-no-answers",
        "samenspel.messaging.recovery.replay:EventReplay.apply",
        "recovered.answers += await restore_from_events(connection, events)",
        "pass",
        "tests/integration/messaging/recovery/test_lane_recovery.py::test_recovered_event_without_its_receipt_proves_its_submission_accepted",
    ),
)
