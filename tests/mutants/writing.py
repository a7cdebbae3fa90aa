"""Protections of whoever writes: the transaction, the lane, Kafka behind it, and what may be decided."""

from typing import Final

from tests.mutants.mutant import Mutant

WRITING: Final = (
    Mutant(
        "grants-beyond-the-ceiling",
        "services.funding.domain.ceiling:within_ceiling",
        "wanted_cents <= available_cents",
        "True",
        "tests/funding/test_ceiling.py::test_r1_granted_never_exceeds_the_ceiling",
    ),
    Mutant(
        "changes-on-stale-ground",
        "services.registry.domain:_require_current_version",
        "based_on != version",
        "False",
        "tests/registry/test_initiatives.py::test_a_change_on_stale_ground_is_refused",
    ),
    Mutant(
        "no-lane-lock",
        "samenspel.messaging.outbox.journal:LOCK",
        " for update",
        "",
        "tests/law/test_turns.py::test_they_take_turns",
    ),
    Mutant(
        "reads-before-the-lock",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._begin",
        "        locked = await journal.lock(connection, deciding | answering)\n"
        "        wanted = {ref for each in submissions for ref in decider.own_refs(each)}\n"
        "        own = await aggregates.load(connection, wanted, locked)\n",
        "        wanted = {ref for each in submissions for ref in decider.own_refs(each)}\n"
        "        own = await aggregates.load(connection, wanted, deciding)\n"
        "        locked = await journal.lock(connection, deciding | answering)\n",
        "tests/law/test_turns.py::test_the_second_decides_on_what_the_first_has_made",
    ),
    Mutant(
        "changes-what-a-decision-has-read",
        "samenspel.messaging.decisions.aggregates:SHARE",
        " for share",
        "",
        "tests/law/test_turns.py::test_what_a_decision_has_read_on_another_lane_holds_still",
    ),
    Mutant(
        "changes-what-others-told-meanwhile",
        "samenspel.messaging.decisions.aggregates:SHARE_PROJECTION",
        " for share",
        "",
        "tests/law/test_turns.py::test_what_a_decision_has_read_of_others_holds_still",
    ),
    Mutant(
        "forgets-what-was-answered",
        "samenspel.messaging.inbox.answer_store:load",
        "if not submissions:",
        "if True:",
        "tests/law/test_turns.py::test_the_same_submission_twice_is_decided_once",
    ),
    Mutant(
        "journal-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._write",
        "await journal.write(",
        "await connection.execute('commit; begin')\n        await journal.write(",
        "tests/law/test_transactions.py::test_an_ingress_batch_is_decided_whole_or_not_at_all",
    ),
    Mutant(
        "receipts-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._finish",
        "        self._append_receipts(work.lanes, answered, work.recorded)\n"
        "        await self._write(connection, work.state, *work.take_pending())",
        "        await self._write(connection, work.state, *work.take_pending())\n"
        "        await connection.execute('commit; begin')\n"
        "        self._append_receipts(work.lanes, answered, work.recorded)\n"
        "        await self._write(connection, work.state, *work.take_pending())",
        "tests/law/test_transactions.py::test_an_ingress_batch_is_decided_whole_or_not_at_all",
    ),
    Mutant(
        "door-in-a-second-transaction",
        "samenspel.messaging.ingress.kafka_receiver:KafkaReceiver._commit",
        "await offsets.save(",
        "await connection.execute('commit; begin'); await offsets.save(",
        "tests/law/test_transactions.py::test_an_ingress_batch_is_decided_whole_or_not_at_all",
    ),
    Mutant(
        "doors-open-uncompared",
        "samenspel.messaging.outbox.journal:LOCK",
        "reconciled = incarnation() as open",
        "true as open",
        "tests/law/test_gate.py::test_a_database_in_another_life_lets_nobody_write",
    ),
    Mutant(
        "tail-unread",
        "samenspel.messaging.outbox.reconciliation:reconcile",
        "await _tail(log_reader, TopicPartition(*name), published)",
        "LogTail(published['sequence'], published['next_offset'])",
        "tests/law/test_gate.py::test_no_door_opens_when_kafka_holds_more_on_any_lane",
    ),
    Mutant(
        "events-uncompared",
        "samenspel.messaging.outbox.reconciliation:require_same_events",
        "journalled.get(sequence) != in_log",
        "False",
        "tests/law/test_gate.py::test_no_door_opens_when_kafka_holds_another_event_under_the_same_number",
    ),
    Mutant(
        "one-lane-behind-is-no-matter",
        "samenspel.messaging.outbox.reconciler:Reconciler.reconcile",
        "if database_behind:",
        "if False:",
        "tests/law/test_gate.py::test_no_door_opens_when_kafka_holds_more_on_any_lane",
    ),
    Mutant(
        "published-before-the-acknowledgement",
        "samenspel.messaging.outbox.relay:Relay.poll",
        "        sent = await self._send(claimed)",
        "        await self._save_progress([(p, rows[-1]['number'], 0, len(rows)) for p, rows in claimed.items()])\n"
        "        sent = await self._send(claimed)",
        "tests/law/test_relay.py::test_what_was_not_acknowledged_is_not_published",
    ),
    Mutant(
        "published-without-comparing",
        "samenspel.messaging.outbox.relay:SAVE_PROGRESS",
        "= (x.topic, x.lane, x.timeline, x.was_sequence, x.was_offset",
        "= (x.topic, x.lane, x.timeline, p.sequence, p.next_offset",
        "tests/law/test_relay.py::test_a_relay_that_wakes_up_late_takes_nothing_back",
    ),
    Mutant(
        "draws-beyond-the-budget",
        "services.funding.store:COMMIT_GRANTS",
        " and b.granted_cents + x.cents <= b.ceiling_cents",
        "",
        "tests/law/test_budget.py::test_a_budget_gives_what_it_has_and_no_cent_more",
    ),
    Mutant(
        "no-check-on-the-budget",
        "services/funding/migrations/0001_budget.sql",
        "check (granted_cents >= 0 and granted_cents <= ceiling_cents)",
        "check (true)",
        "tests/law/test_budget.py::test_no_statement_whoever_wrote_it_exceeds_a_ceiling",
    ),
    Mutant(
        "one-id-on-two-lanes",
        "samenspel.messaging.decisions.aggregates:SAVE",
        "where (aggregate.topic, aggregate.lane) = (excluded.topic, excluded.lane)",
        "",
        "tests/law/test_turns.py::test_an_id_has_one_life_on_one_lane",
    ),
    Mutant(
        "no-time-outs",
        "samenspel.runtime.postgres:create_pool",
        "**TIMEOUTS, ",
        "",
        "tests/law/test_server.py::test_who_stops_with_a_lane_locked_holds_nobody_up",
    ),
    Mutant(
        "not-durable",
        "samenspel.runtime.postgres:create_pool",
        "if found:",
        "if False:",
        "tests/law/test_server.py::test_a_server_that_forgets_what_it_confirmed_is_refused",
    ),
    Mutant(
        "believes-where-it-was-appended",
        "samenspel.messaging.outbox.relay:Relay._send_batch",
        "first = (await acknowledged).offset",
        "await acknowledged; first = position.next_offset",
        "tests/law/test_relay.py::test_a_topic_made_anew_under_a_running_relay_is_told_everything",
    ),
    Mutant(
        "idle-and-blind",
        "samenspel.messaging.outbox.reconciler:Reconciler.check_log_ends",
        'ends.get(TopicPartition(*_name(row)), 0) < row["next_offset"]',
        "False",
        "tests/law/test_relay.py::test_an_idle_relay_notices_that_a_log_was_cut_back",
    ),
    Mutant(
        "idle-and-trusting",
        "samenspel.messaging.outbox.reconciler:Reconciler.check_log_ends",
        "not await self._last_published_is_present(sample := rows[self._rounds % len(rows)])",
        "False",
        "tests/law/test_relay.py::test_an_idle_relay_notices_that_a_repeat_lies_where_its_last_event_lay",
    ),
    Mutant(
        "goes-on-behind-what-was-not-decided",
        "samenspel.messaging.ingress.kafka_receiver:KafkaReceiver.__call__",
        "and not await previous",
        "and not (await before or True)",
        "tests/shared/test_ingress.py::test_what_was_read_behind_an_undecided_batch_is_read_again",
    ),
)
