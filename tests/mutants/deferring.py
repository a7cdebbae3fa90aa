"""Protections of what is decided later: what waits, what was set apart, and what comes back after a loss."""

from typing import Final

from tests.mutants.mutant import Mutant

DEFERRING: Final = (
    Mutant(
        "overtakes-what-waits",
        "samenspel.messaging.decisions.processor:Desk._decide_or_defer",
        "if (lane, to.subject) not in sitting.queues:",
        "if True:",
        "tests/law/test_waiting.py::test_what_comes_later_waits_behind",
    ),
    Mutant(
        "decides-out-of-turn",
        "samenspel.messaging.decisions.processor:Desk.settle_waiting",
        "not await deferrals.is_first(connection, queued)",
        "False",
        "tests/law/test_waiting.py::test_nothing_is_decided_out_of_turn",
    ),
    Mutant(
        "set-apart-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:Desk.set_apart_waiting",
        "await deferrals.leave(",
        "await connection.execute('commit; begin'); await deferrals.leave(",
        "tests/law/test_waiting.py::test_what_breaks_the_deciding_is_set_apart_whole_or_not_at_all",
    ),
    Mutant(
        "set-apart-in-silence",
        "samenspel.messaging.decisions.processor:Desk.set_apart_waiting",
        "self._tell(locked, [given], moment(self.clock()))",
        "pass",
        "tests/law/test_waiting.py::test_what_breaks_the_deciding_is_set_apart_whole_or_not_at_all",
    ),
    Mutant(
        "set-apart-and-still-deferred",
        "samenspel.messaging.decisions.processor:Desk.set_apart_waiting",
        "await answer_store.forget(connection, queued.identity)",
        "pass",
        "tests/law/test_waiting.py::test_sent_again_meanwhile_it_is_decided_once",
    ),
    Mutant(
        "retried-as-other-content",
        "samenspel.messaging.operator.redrive:Redrive._read",
        'inbound if row["hash"] is None else _as_it_came(inbound, row)',
        "inbound",
        "tests/law/test_waiting.py::test_the_operator_has_it_decided",
    ),
    Mutant(
        "retried-and-written-down-later",
        "samenspel.messaging.operator.redrive:Redrive.retry",
        "await quarantine.act(",
        "await connection.execute('commit; begin'); await quarantine.act(",
        "tests/law/test_waiting.py::test_a_retry_is_decided_and_written_down_or_neither",
    ),
    Mutant(
        "recovers-no-state",
        "samenspel.messaging.recovery.replay:FactsFold.take",
        "await aggregates.save(connection, changed, dict.fromkeys(changed, name))",
        "pass",
        "tests/law/test_recovery.py::test_the_tail_is_folded_into_the_state",
    ),
    Mutant(
        "recovers-no-tables",
        "samenspel.messaging.recovery.replay:FactsFold.take",
        "await self.handlers.save(connection, World(own), changes)",
        "pass",
        "tests/law/test_recovery.py::test_the_tail_is_folded_into_the_state",
    ),
    Mutant(
        "recovers-no-answers",
        "samenspel.messaging.recovery.replay:FactsFold.take",
        "found.answers += await recalling.recall_from_facts(connection, events)",
        "pass",
        "tests/law/test_recovery.py::test_a_fact_alone_proves_that_its_submission_was_accepted",
    ),
)
