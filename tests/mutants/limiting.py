"""Limits of one organisation: one mutant without each limit, named ``unlimited-`` and the name of the limit."""

from typing import Final

from tests.mutants.mutant import Mutant

LIMITING: Final = (
    Mutant(
        "unlimited-http-requests",
        "samenspel.runtime.http:organisation_dependency",
        "async with requests.slot(authenticated, stream_of(request.scope)):",
        "if True:",
        "tests/unit/runtime/test_http.py"
        "::test_request_above_the_limit_is_refused_and_another_organisation_is_answered",
    ),
    Mutant(
        "unlimited-http-submissions",
        "samenspel.messaging.ingress.http_api:submit_over_http",
        "async with submitter.turns.slot(organisation):",
        "if True:",
        "tests/unit/messaging/ingress/test_http_api.py"
        "::test_submissions_of_one_organisation_are_decided_in_turns_and_another_has_its_own",
    ),
    Mutant(
        "unlimited-database-connections",
        "samenspel.runtime.postgres:FairPool.acquire",
        "organisation is None",
        "True",
        "tests/integration/runtime/test_postgres_share.py::test_connections_cannot_all_be_held_by_two_organisations",
    ),
    Mutant(
        "half-for-everybody",
        "samenspel.runtime.concurrency_limit:FairShare._may_take",
        "100 * (held + 1) <= self._percent * (held + self._free)",
        "100 * (held + 1) <= self._percent * (self._held.total() + self._free)",
        "tests/unit/runtime/test_concurrency_limit.py::test_slots_cannot_all_be_held_by_two_organisations",
    ),
    Mutant(
        "first-come-first-served",
        "samenspel.runtime.concurrency_limit:FairShare._grant",
        "min(able, key=lambda each: self._held[each])",
        "able[0]",
        "tests/unit/runtime/test_concurrency_limit.py::test_free_slot_goes_to_the_organisation_that_holds_the_fewest",
    ),
    Mutant(
        "unlimited-open-streams",
        "services.notifier.api.feed:FeedReader.page",
        "async with self.streams.slot(reader.organisation):",
        "if True:",
        "tests/unit/services/notifier/api/test_feed.py"
        "::test_long_polls_of_one_organisation_are_limited_and_another_organisation_waits_as_before",
    ),
    Mutant(
        "unlimited-stream-seconds",
        "services.notifier.api.feed:FeedReader._await_events",
        "min(reader.wait_seconds, self.seconds_max)",
        "reader.wait_seconds",
        "tests/unit/services/notifier/api/test_feed.py::test_long_poll_ends_in_time_with_the_cursor_to_resume",
    ),
    Mutant(
        "long-poll-of-a-client-that-left",
        "samenspel.runtime.http_limits:LimitedConnection.connection_lost",
        "self._stream.ended = True",
        "pass",
        "tests/unit/runtime/test_http_limits.py::test_stream_whose_client_leaves_ends",
    ),
    Mutant(
        "idle-reader-with-a-connection",
        "services.notifier.api.feed:FeedReader._await_events",
        "if self.ends.has_events_after(page.cursor):",
        "if True:",
        "tests/unit/services/notifier/api/test_feed.py::test_idle_long_poll_uses_no_database_connection",
    ),
    Mutant(
        "unlimited-active-subscriptions",
        "services.notifier.domain.subscriptions:SubscriptionLimits.require_room",
        "len(others) >= self.active",
        "False",
        "tests/unit/services/notifier/test_handlers.py"
        "::test_subscription_above_the_limit_is_refused_and_another_organisation_may_subscribe",
    ),
    Mutant(
        "unlimited-endpoint-subscriptions",
        "services.notifier.domain.subscriptions:SubscriptionLimits.require_room",
        ">= self.same_endpoint",
        "< 0",
        "tests/unit/services/notifier/test_handlers.py::test_endpoint_with_five_subscriptions_gets_no_sixth",
    ),
    Mutant(
        "limit-as-a-first-answer",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._answer_first",
        "not answers.is_at_limit(decision)",
        "True",
        "tests/integration/messaging/decisions/test_processor_limits.py"
        "::test_submission_refused_at_a_limit_is_decided_when_it_is_sent_again",
    ),
    Mutant(
        "limit-as-a-final-answer",
        "samenspel.messaging.decisions.unit_of_work:UnitOfWork.settle",
        "answers.is_at_limit(decision)",
        "False",
        "tests/integration/messaging/decisions/test_processor_limits.py"
        "::test_deferred_submission_refused_at_a_limit_is_decided_when_it_is_sent_again",
    ),
    Mutant(
        "unlimited-deliveries",
        "services.notifier.deliveries.queue:CLAIM",
        "where turn <= $9 order by turn",
        "where $9::int > 0 order by turn",
        "tests/integration/services/notifier/deliveries/test_queue.py"
        "::test_subscriptions_of_one_organisation_share_its_attempts_and_another_gets_all_its_events",
    ),
    Mutant(
        "deliveries-without-turns",
        "services.notifier.deliveries.queue:LAGGING_CURSORS",
        "partition by organisation, is_full order by backlog",
        "partition by is_full order by backlog",
        "tests/integration/services/notifier/deliveries/test_queue.py"
        "::test_backlog_of_one_organisation_does_not_delay_the_new_event_of_another",
    ),
    Mutant(
        "unlimited-pending-deliveries",
        "services.notifier.deliveries.queue:enqueue_new",
        'if not row["is_full"]]',
        "if True]",
        "tests/integration/services/notifier/deliveries/test_queue.py"
        "::test_full_subscription_gets_no_further_deliveries_until_it_has_room",
    ),
    Mutant(
        "unlimited-stored-bytes",
        "samenspel.messaging.inbox.storage_budget:StorageBudget.charge",
        "if used:",
        "if False:",
        "tests/integration/messaging/inbox/test_storage_budget.py"
        "::test_flood_of_one_organisation_makes_that_organisation_wait_and_no_other",
    ),
    Mutant(
        "unlimited-repeats-of-refusals",
        "samenspel.messaging.inbox.storage_budget:stored_bytes",
        "if answer.is_refusal:",
        """if answer.outcome == "rejected":""",
        "tests/integration/messaging/inbox/test_storage_budget.py"
        "::test_repeat_of_a_refusal_costs_its_receipt_and_one_of_an_acceptance_nothing",
    ),
    Mutant(
        "every-connection-for-one",
        "samenspel.runtime.http_limits:LimitedConnection._close_longest_idle",
        "idle or self._most_queued()",
        "idle",
        "tests/unit/runtime/test_http_limits.py::test_organisation_cannot_hold_every_connection",
    ),
    Mutant(
        "waits-for-clients-that-left",
        "samenspel.runtime.concurrency_limit:ConcurrencyLimit._acquire",
        "client.enter_queue(organisation, acquiring.cancel)",
        "client.enter_queue(organisation, int)",
        "tests/unit/runtime/test_concurrency_limit.py::test_wait_ends_when_the_client_leaves",
    ),
    Mutant(
        "refuses-as-fast-as-asked",
        "samenspel.runtime.concurrency_limit:ConcurrencyLimit._acquire",
        "max(self._wait_seconds, min(slots.users / REFUSALS_PER_SECOND, CROWDED_SECONDS_MAX))",
        "self._wait_seconds",
        "tests/unit/runtime/test_concurrency_limit.py"
        "::test_many_users_of_one_organisation_wait_longer_and_another_does_not",
    ),
    Mutant(
        "unlimited-waiting-endpoints",
        "services.notifier.store.endpoints:insert",
        ">= WAITING_MAX",
        "< 0",
        "tests/integration/services/notifier/store/test_endpoints.py"
        "::test_endpoints_that_wait_for_a_subscription_are_limited_per_organisation",
    ),
    Mutant(
        "reads-on-above-the-budget",
        "samenspel.messaging.ingress.kafka_receiver:KafkaReceiver._pause_above_budget",
        "reader.pause_for(TopicPartition(topic, 0), seconds)",
        "pass",
        "tests/integration/messaging/ingress/test_kafka_receiver_budget.py"
        "::test_partition_of_a_flood_is_paused_and_the_other_organisation_is_answered",
    ),
    Mutant(
        "quarantined-twice",
        "samenspel.messaging.ingress.decoding:quarantined_record",
        "reason, detail, raw=marker[1])",
        "reason, detail, record.key, None, record.value, marker[1])",
        "tests/integration/messaging/ingress/test_kafka_receiver_budget.py::test_undecodable_record_is_stored_once",
    ),
)
