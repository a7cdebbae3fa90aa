"""Protections of writers: the transaction, the lane, Kafka, and the permitted decisions."""

from typing import Final

from tests.mutants.mutant import Mutant

WRITING: Final = (
    Mutant(
        "grants-beyond-the-ceiling",
        "services.funding.domain.ceiling:limit_to_ceiling",
        "wanted_cents <= available_cents",
        "True",
        "tests/unit/services/funding/domain/test_ceiling_properties.py::test_r1_granted_never_exceeds_the_ceiling",
    ),
    Mutant(
        "changes-on-stale-ground",
        "services.registry.domain:_require_current_version",
        "based_on != version",
        "False",
        "tests/unit/services/registry/test_domain.py::test_change_based_on_an_old_version_is_refused",
    ),
    Mutant(
        "stops-at-a-record-that-cannot-be-quarantined",
        "samenspel.messaging.ingress.kafka_receiver:KafkaReceiver._process_individually",
        "            except Exception:\n"
        "                self._read_later(reader, record)\n"
        "                stuck.add(record.topic)\n",
        "",
        "tests/unit/messaging/ingress/test_kafka_receiver.py::test_record_that_cannot_even_be_quarantined_pauses_its_own_topic_only",
    ),
    Mutant(
        "no-lane-lock",
        "samenspel.messaging.outbox.journal:LOCK",
        " for update",
        "",
        "tests/integration/messaging/decisions/test_processor.py::test_concurrent_decisions_on_a_lane_get_contiguous_sequences_and_one_digest",
    ),
    Mutant(
        "reads-before-the-lock",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._begin",
        "        locked = await journal.lock(connection, deciding | answering)\n"
        "        wanted = [(each, decider.own_refs(each)) for each in submissions]\n"
        "        own = await aggregates.load(connection, {ref for _, refs in wanted for ref in refs}, locked)\n",
        "        wanted = [(each, decider.own_refs(each)) for each in submissions]\n"
        "        own = await aggregates.load(connection, {ref for _, refs in wanted for ref in refs}, deciding)\n"
        "        locked = await journal.lock(connection, deciding | answering)\n",
        "tests/integration/messaging/decisions/test_processor.py::test_second_decision_on_a_lane_sees_the_state_of_the_first",
    ),
    Mutant(
        "changes-what-a-decision-has-read",
        "samenspel.messaging.decisions.aggregates:LOAD",
        " for share",
        "",
        "tests/integration/messaging/decisions/test_processor.py::test_own_aggregate_read_on_another_lane_is_locked_until_commit",
    ),
    Mutant(
        "changes-what-others-told-meanwhile",
        "samenspel.messaging.decisions.aggregates:SHARE_PROJECTION",
        " for share",
        "",
        "tests/integration/messaging/decisions/test_processor.py::test_projected_aggregate_read_by_a_decision_is_locked_until_commit",
    ),
    Mutant(
        "forgets-what-was-answered",
        "samenspel.messaging.inbox.answer_store:load",
        "if not submissions:",
        "if True:",
        "tests/integration/messaging/decisions/test_processor.py::test_concurrent_repeats_of_a_submission_are_decided_once",
    ),
    Mutant(
        "journal-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._write",
        "await self.decider.save(",
        "await connection.execute('commit; begin')\n        await self.decider.save(",
        "tests/integration/messaging/ingress/test_kafka_receiver.py::test_ingress_batch_is_committed_whole_or_not_at_all",
    ),
    Mutant(
        "receipts-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._finish",
        "        self._append_receipts(work.lanes, answered, work.recorded)\n"
        "        await self._write(connection, work.state, *work.take_pending(), also)",
        "        await self._write(connection, work.state, *work.take_pending(), also)\n"
        "        await connection.execute('commit; begin')\n"
        "        self._append_receipts(work.lanes, answered, work.recorded)\n"
        "        await self._write(connection, work.state, *work.take_pending(), ())",
        "tests/integration/messaging/ingress/test_kafka_receiver.py::test_ingress_batch_is_committed_whole_or_not_at_all",
    ),
    Mutant(
        "ingress-offset-in-a-second-transaction",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._finish",
        "await self._write(connection, work.state, *work.take_pending(), also)",
        "await self._write(connection, work.state, *work.take_pending(), ())\n"
        "        await connection.execute('commit; begin'); await write_together(connection, also)",
        "tests/integration/messaging/ingress/test_kafka_receiver.py::test_ingress_batch_is_committed_whole_or_not_at_all",
    ),
    Mutant(
        "lanes-open-unreconciled",
        "samenspel.messaging.outbox.journal:LOCK",
        "reconciled = (select incarnation()) as open",
        "true as open",
        "tests/integration/messaging/outbox/test_reconciler.py::test_lane_is_closed_after_a_restart_of_the_database_until_reconciled",
    ),
    Mutant(
        "tail-unread",
        "samenspel.messaging.outbox.reconciliation:reconcile",
        "await _tail(log_reader, TopicPartition(*name), published)",
        "LogTail(published['sequence'], published['next_offset'])",
        "tests/integration/messaging/outbox/test_reconciler.py::test_no_lane_opens_when_kafka_holds_more_on_any_lane",
    ),
    Mutant(
        "events-uncompared",
        "samenspel.messaging.outbox.reconciliation:require_same_events",
        "journalled.get(each) != in_log",
        "False",
        "tests/integration/messaging/outbox/test_reconciler.py::test_no_lane_opens_when_kafka_holds_another_event_of_the_same_sequence",
    ),
    Mutant(
        "one-lane-behind-is-no-matter",
        "samenspel.messaging.outbox.reconciler:Reconciler.reconcile",
        "if database_behind:",
        "if False:",
        "tests/integration/messaging/outbox/test_reconciler.py::test_no_lane_opens_when_kafka_holds_more_on_any_lane",
    ),
    Mutant(
        "published-before-the-acknowledgement",
        "samenspel.messaging.outbox.relay:Relay.poll",
        "        sent = await self._send(claimed)",
        "        await self._save_progress([(p, rows[-1]['number'], 0, len(rows)) for p, rows in claimed.items()])\n"
        "        sent = await self._send(claimed)",
        "tests/integration/messaging/outbox/test_relay.py::test_relay_counts_an_event_as_published_only_after_its_acknowledgement",
    ),
    Mutant(
        "relays-rows-of-an-earlier-incarnation",
        "samenspel.messaging.outbox.relay:CLAIM",
        "and $2 = (select incarnation())",
        "and $2 <> ''",
        "tests/integration/messaging/outbox/test_relay.py::test_rows_that_memory_cannot_have_are_read",
    ),
    Mutant(
        "relays-rows-around-a-gap",
        "samenspel.messaging.outbox.recent_rows:RecentRows._extend",
        "(kept.timeline, kept.last + 1) != (timeline, first)",
        "kept.timeline != timeline",
        "tests/unit/messaging/outbox/test_recent_rows.py"
        "::test_next_row_that_is_not_in_memory_is_not_replaced_by_a_later_one",
    ),
    Mutant(
        "relays-before-the-commit",
        "samenspel.messaging.ingress.kafka_receiver:KafkaReceiver._commit",
        'failpoints.reached("ingress.commit")',
        'self._recent.add(written); failpoints.reached("ingress.commit")',
        "tests/integration/messaging/ingress/test_kafka_receiver.py::test_rows_are_in_memory_only_after_their_commit",
    ),
    Mutant(
        "keeps-rows-without-a-limit",
        "samenspel.messaging.outbox.recent_rows:RecentRows.add",
        "while self._bytes > self._bytes_max:",
        "while False:",
        "tests/unit/messaging/outbox/test_recent_rows.py::test_bytes_in_memory_have_a_limit",
    ),
    Mutant(
        "writes-fewer-rows-than-expected",
        "samenspel.runtime.write_together:write_together",
        "if write.expected not in (None, number) and write.otherwise:",
        "if False:",
        "tests/integration/runtime/test_write_together.py::test_another_number_of_rows_is_the_error_of_the_write",
    ),
    Mutant(
        "published-without-comparing",
        "samenspel.messaging.outbox.relay:SAVE_PROGRESS",
        "= (x.topic, x.lane, x.timeline, x.was_sequence, x.was_offset",
        "= (x.topic, x.lane, x.timeline, p.sequence, p.next_offset",
        "tests/integration/messaging/outbox/test_relay.py::test_relay_that_wakes_up_late_never_moves_progress_back",
    ),
    Mutant(
        "draws-beyond-the-budget",
        "services.funding.store:COMMIT_GRANTS",
        " and b.granted_cents + x.cents <= b.ceiling_cents",
        "",
        "tests/integration/services/funding/test_store.py::test_budget_grants_to_the_cent_and_never_beyond",
    ),
    Mutant(
        "no-check-on-the-budget",
        "services/funding/migrations/0001_budget.sql",
        "check (granted_cents >= 0 and granted_cents <= ceiling_cents)",
        "check (true)",
        "tests/integration/services/funding/test_store.py::test_no_sql_statement_can_exceed_a_ceiling",
    ),
    Mutant(
        "one-id-on-two-lanes",
        "samenspel.messaging.decisions.aggregates:SAVE",
        "where (aggregate.topic, aggregate.lane) = (excluded.topic, excluded.lane)",
        "",
        "tests/integration/messaging/decisions/test_processor.py::test_id_used_on_two_lanes_at_once_is_created_on_one",
    ),
    Mutant(
        "no-time-outs",
        "samenspel.runtime.postgres:create_pool",
        "**TIMEOUTS, ",
        "",
        "tests/integration/messaging/outbox/test_journal.py::test_client_that_stops_with_a_locked_lane_loses_the_lock",
    ),
    Mutant(
        "not-durable",
        "samenspel.runtime.postgres:create_pool",
        "if found:",
        "if False:",
        "tests/integration/runtime/test_postgres.py::test_server_that_is_not_durable_is_refused",
    ),
    Mutant(
        "believes-where-it-was-appended",
        "samenspel.messaging.outbox.relay:Relay._send_batch",
        "first = (await acknowledged).offset",
        "await acknowledged; first = position.next_offset",
        "tests/integration/messaging/outbox/test_relay.py::test_relay_publishes_everything_again_to_a_recreated_topic",
    ),
    Mutant(
        "idle-and-blind",
        "samenspel.messaging.outbox.reconciler:Reconciler.check_log_ends",
        'ends.get(TopicPartition(*_name(row)), 0) < row["next_offset"]',
        "False",
        "tests/integration/messaging/outbox/test_relay.py::test_idle_relay_detects_a_truncated_log",
    ),
    Mutant(
        "idle-and-trusting",
        "samenspel.messaging.outbox.reconciler:Reconciler.check_log_ends",
        "not await self._last_published_is_present(sample := rows[self._rounds % len(rows)])",
        "not (sample := rows[self._rounds % len(rows)])",
        "tests/integration/messaging/outbox/test_relay.py::test_idle_relay_detects_a_repeat_at_the_offset_of_its_last_event",
    ),
    Mutant(
        "takes-expired-for-lost",
        "samenspel.messaging.outbox.reconciler:Reconciler._last_published_is_present",
        "bool(offset < start)",
        "bool(offset < start and False)",
        "tests/integration/messaging/outbox/test_reconciler.py::test_expired_receipts_are_not_taken_for_lost_receipts",
    ),
    Mutant(
        "goes-on-behind-what-was-not-decided",
        "samenspel.messaging.ingress.kafka_receiver:KafkaReceiver.__call__",
        "and not await previous",
        "and not (await previous or True)",
        "tests/unit/messaging/ingress/test_kafka_receiver.py::test_records_read_behind_an_undecided_batch_are_read_again",
    ),
)
