"""Protections of whoever reads: a copy, an ingress, and who it is that speaks."""

from typing import Final

from tests.mutants.mutant import Mutant

READING: Final = (
    Mutant(
        "accepts-gaps",
        "samenspel.messaging.law:judge",
        "sequence == position.sequence + 1",
        "sequence > position.sequence",
        "tests/shared/test_law.py::test_only_the_next_event_of_the_same_timeline_is_applied",
    ),
    Mutant(
        "accepts-repeats",
        "samenspel.messaging.law:judge",
        "sequence == position.sequence + 1",
        "sequence in (position.sequence, position.sequence + 1)",
        "tests/shared/test_law.py::test_repeats_and_jumps_never_break_the_order",
    ),
    Mutant(
        "ignores-the-timeline",
        "samenspel.messaging.law:judge",
        "timeline != position.timeline",
        "False",
        "tests/shared/test_law.py::test_only_the_next_event_of_the_same_timeline_is_applied",
    ),
    Mutant(
        "believes-any-digest-replica",
        "samenspel.client.replica.copy:Copy.take",
        "after != int(digest, 16)",
        "False",
        "tests/client/test_replica.py::test_a_changed_event_stops_its_lane_and_is_named",
    ),
    Mutant(
        "believes-the-file",
        "samenspel.client.replica.verify:_advance",
        "to_hex(recount.published[lane]) != digest",
        "False",
        "tests/client/test_verify.py::test_a_changed_event_with_a_hash_to_match_is_found_by_the_digest",
    ),
    Mutant(
        "takes-any-source",
        "samenspel.contracts.submissions:_foreign",
        "match and match[1] == organisation",
        "True",
        "tests/contracts/test_bad_input.py::test_bad_attributes_are_refused_with_their_codes",
    ),
    Mutant(
        "identity-without-organisation",
        "samenspel.messaging.answers:identity",
        "submission.organisation, submission.source, submission.id",
        "'', '', submission.id",
        "tests/law/test_turns.py::test_two_organisations_may_use_one_id",
    ),
    Mutant(
        "position-in-a-second-transaction",
        "samenspel.messaging.projector:Projector._save",
        "await positions.move(",
        "await connection.execute('commit; begin'); await positions.move(",
        "tests/law/test_transactions.py::test_a_copy_moves_with_its_position_or_not_at_all",
    ),
    Mutant(
        "no-position-lock",
        "samenspel.messaging.positions:LOCK",
        " for update",
        "",
        "tests/law/test_following.py::test_two_that_follow_at_once_apply_each_event_once",
    ),
    Mutant(
        "believes-any-digest",
        "samenspel.messaging.application:Application._apply",
        "after.digest != event.statedigest",
        "False",
        "tests/law/test_following.py::test_a_state_that_is_not_the_owners_is_said_with_its_event",
    ),
    Mutant(
        "no-fence-at-the-door",
        "samenspel.messaging.doors:lock",
        "standing.get(topic) != start",
        "False",
        "tests/law/test_doors.py::test_who_wakes_up_after_another_has_read_on_decides_nothing",
    ),
    Mutant(
        "skips-by-offset",
        "samenspel.messaging.doors:_is_another_log",
        "before is not None and before.timestamp != appended_at",
        "False",
        "tests/law/test_doors.py::test_a_log_made_anew_is_read_from_its_start",
    ),
    Mutant(
        "organisation-from-the-source",
        "samenspel.messaging.ingress:read_record",
        "read_submission(envelope, organisation, ",
        "read_submission(envelope, envelope.source.split(':')[3], ",
        "tests/law/test_doors.py::test_what_lies_in_an_ingress_speaks_for_its_topic_only",
    ),
    Mutant(
        "organisation-not-from-the-token",
        "samenspel.messaging.http_door:event_router",
        "read(messaging, each, organisation)",
        "read(messaging, each, each.source.split(':')[3])",
        "tests/law/test_http_door.py::test_the_organisation_is_the_tokens",
    ),
    Mutant(
        "claims-unread",
        "samenspel.runtime.tokens:TokenVerifier._verify",
        "self._claims.validate(claims)",
        "pass",
        "tests/law/test_http_door.py::test_a_forged_token_speaks_for_nobody",
    ),
    Mutant(
        "all-partitions-at-once",
        "samenspel.messaging.reader:LaneReader._records_of",
        "super().getmany(partition, ",
        "super().getmany(",
        "tests/law/test_reader.py::test_nothing_is_lost_beside_what_cannot_be_decoded",
    ),
)
