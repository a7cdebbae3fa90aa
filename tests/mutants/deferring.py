"""Protections of what is decided later: what waits, what was set apart, and what comes back after a loss."""

from typing import Final

from tests.mutants.mutant import Mutant

DEFERRING: Final = (
    Mutant(
        "overtakes-what-waits",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._decide_or_defer",
        "if (lane, submission.subject) not in work.queues:",
        "if True:",
        "tests/law/test_waiting.py::test_what_comes_later_waits_behind",
    ),
    Mutant(
        "decides-out-of-turn",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.process_deferred",
        "not await deferrals.heads_queue(connection, queued)",
        "False",
        "tests/law/test_waiting.py::test_nothing_is_decided_out_of_turn",
    ),
    Mutant(
        "set-apart-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.quarantine_deferred",
        "await deferrals.remove(",
        "await connection.execute('commit; begin'); await deferrals.remove(",
        "tests/law/test_waiting.py::test_what_breaks_the_deciding_is_set_apart_whole_or_not_at_all",
    ),
    Mutant(
        "set-apart-in-silence",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.quarantine_deferred",
        "self._append_receipts(locked, [answer], rfc3339(self.clock()))",
        "pass",
        "tests/law/test_waiting.py::test_what_breaks_the_deciding_is_set_apart_whole_or_not_at_all",
    ),
    Mutant(
        "set-apart-and-still-deferred",
        "samenspel.messaging.decisions.processor:SubmissionProcessor.quarantine_deferred",
        "await answer_store.delete(connection, queued.identity)",
        "pass",
        "tests/law/test_waiting.py::test_sent_again_meanwhile_it_is_decided_once",
    ),
    Mutant(
        "retried-as-other-content",
        "samenspel.messaging.operator.redrive:Redrive._read",
        'incoming if row["hash"] is None else _as_received(incoming, row)',
        "inbound",
        "tests/law/test_waiting.py::test_the_operator_has_it_decided",
    ),
    Mutant(
        "retried-and-written-down-later",
        "samenspel.messaging.operator.redrive:Redrive.retry",
        "await quarantine.record_action(",
        "await connection.execute('commit; begin'); await quarantine.record_action(",
        "tests/law/test_waiting.py::test_a_retry_is_decided_and_written_down_or_neither",
    ),
    Mutant(
        "recovers-no-state",
        "samenspel.messaging.recovery.replay:EventReplay.apply",
        "await aggregates.save(connection, changed, dict.fromkeys(changed, name))",
        "pass",
        "tests/law/test_recovery.py::test_the_tail_is_folded_into_the_state",
    ),
    Mutant(
        "recovers-no-tables",
        "samenspel.messaging.recovery.replay:EventReplay.apply",
        "await self.decider.save(connection, DecisionState(own), changes)",
        "pass",
        "tests/law/test_recovery.py::test_the_tail_is_folded_into_the_state",
    ),
    Mutant(
        "recovers-no-answers",
        "samenspel.messaging.recovery.replay:EventReplay.apply",
        "recovered.answers += await recalling.restore_from_events(connection, events)",
        "pass",
        "tests/law/test_recovery.py::test_a_fact_alone_proves_that_its_submission_was_accepted",
    ),
)
