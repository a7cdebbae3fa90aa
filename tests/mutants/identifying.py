"""Protections of readers against the lanes of another system."""

from typing import Final

from tests.mutants.mutant import Mutant

IDENTIFYING: Final = (
    Mutant(
        "reads-any-system-replica",
        "samenspel.client.replica.recognition:SourceCheck.see",
        "is_other_lane(lane.identity, sequence, event)",
        "False",
        "tests/unit/client/replica/test_recognition.py::test_lane_replaced_by_another_lane_is_always_refused_and_the_file_unchanged",
    ),
    Mutant(
        "takes-an-absent-lane-for-its-own",
        "samenspel.client.replica.recognition:SourceCheck.require_all",
        "self.unseen.values()",
        "()",
        "tests/unit/client/replica/test_recognition.py::test_lane_replaced_by_another_lane_is_always_refused_and_the_file_unchanged",
    ),
    Mutant(
        "repeat-by-place-replica",
        "samenspel.client.replica.apply:ReplicaBatch._compare",
        "known != (id, digest)",
        "False",
        "tests/unit/client/replica/test_recognition.py::test_repeat_of_another_event_at_a_known_place_has_diverged",
    ),
    Mutant(
        "ends-before-the-replica-unseen",
        "samenspel.client.replica.report:report_on",
        "lane.unmet == lane.sequence > 0",
        "False",
        "tests/unit/client/replica/test_recognition.py::test_log_that_ends_before_the_replica_is_reported",
    ),
    Mutant(
        "empties-what-it-cannot-read",
        "samenspel.client.replica.recognition:require_events",
        'raise ReplicaError(NO_EVENTS.format("Kafka"))',
        "return",
        "tests/unit/client/replica/test_recognition.py::test_rebuild_from_a_source_without_events_keeps_the_file",
    ),
    Mutant(
        "reads-any-system-projection",
        "samenspel.messaging.projections.batch:ProjectionBatch._is_of_other_system",
        "is_other_lane(self.identities.get(name), event.sequence, event.id)",
        "False",
        "tests/unit/messaging/projections/test_batch_identity.py::test_lane_of_another_system_is_always_diverged_and_never_applied",
    ),
    Mutant(
        "repeat-by-place-projection",
        "samenspel.messaging.projections.batch:ProjectionBatch._not_applied",
        "event.statedigest != position.digest",
        "False",
        "tests/unit/messaging/projections/test_batch_identity.py::test_another_event_at_the_place_of_the_last_applied_event_is_no_repeat",
    ),
    Mutant(
        "resumes-by-place-projection",
        "samenspel.messaging.projections.projector:_is_last_applied",
        "(*event.position, event.statedigest) == own",
        "event.position == own[:2]",
        "tests/integration/messaging/projections/test_projector_identity.py::test_another_event_at_the_last_offset_of_the_known_lane_is_named",
    ),
    Mutant(
        "resumes-by-digest-projection",
        "samenspel.messaging.projections.projector:Projector._has_identity",
        "identity in (None, first.id)",
        "True",
        "tests/integration/messaging/projections/test_projector_identity.py::test_lane_with_the_same_states_is_of_another_system_all_the_same",
    ),
    Mutant(
        "replaces-a-known-identity",
        "samenspel.messaging.projections.checkpoints:ADOPT",
        " and identity is null",
        "",
        "tests/integration/messaging/projections/test_projector_identity.py::test_stored_identity_is_never_replaced",
    ),
    Mutant(
        "cursor-of-any-system",
        "services.notifier.domain.cursor:other_lane",
        "present.get(name, sent[name]) != sent[name]",
        "False",
        "tests/unit/services/notifier/api/test_feed.py::test_cursor_of_another_system_is_gone",
    ),
    Mutant(
        "acknowledges-for-any-system",
        "services.notifier.api.subscriptions:SubscriptionService.acknowledge",
        "require_same_lanes(marks, ends.marks)",
        "pass",
        "tests/unit/services/notifier/api/test_subscriptions.py::test_acknowledgement_with_a_cursor_of_another_system_is_refused",
    ),
)
