"""Protections against a lane that diverged from its owner, and against numbers that no database can store."""

from typing import Final

from tests.mutants.mutant import Mutant

DECIDED: Final = "tests/integration/messaging/decisions/test_processor_diverged.py"
READ: Final = "tests/integration/messaging/ingress/test_kafka_receiver_diverged.py"
APPLIED: Final = "tests/unit/messaging/projections/test_batch.py"

DIVERGING: Final = (
    Mutant(
        "believes-any-digest",
        "samenspel.messaging.projections.batch:ProjectionBatch.apply",
        "after.digest != event.statedigest",
        "False",
        "tests/integration/messaging/projections/test_projector.py::test_projector_names_the_event_at_which_its_digest_diverges",
    ),
    Mutant(
        "accepts-any-newer-timeline",
        "samenspel.contracts.sequencing:_check_other_timeline",
        "timeline == position.timeline + 1 or position.sequence == 0",
        "True",
        f"{APPLIED}::test_timeline_that_rises_by_more_than_one_is_refused_and_discards_nothing",
    ),
    Mutant(
        "discards-a-copy-for-any-new-timeline",
        "samenspel.messaging.projections.batch:ProjectionBatch.apply",
        "position, old_hash = Position(event.timeline), REMOVED",
        "self._begin_timeline(name, event.timeline); position, old_hash = Position(event.timeline), REMOVED",
        f"{APPLIED}::test_new_timeline_whose_first_event_has_another_digest_discards_nothing",
    ),
    Mutant(
        "diverged-for-good",
        "samenspel.messaging.projections.batch:ProjectionBatch._apply",
        "self.diverged.pop(name, None)",
        "pass",
        f"{APPLIED}::test_lane_is_consistent_again_with_an_event_that_fits",
    ),
    Mutant(
        "silent-about-records-that-are-no-events",
        "samenspel.messaging.projections.projector:_apply_to",
        "if record.offset > position.last_offset:",
        "if False:",
        "tests/integration/messaging/projections/test_projector.py::test_record_that_is_no_event_is_named_and_skipped",
    ),
    Mutant(
        "decides-on-a-diverged-lane",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._require_consistent",
        "if not projected.diverged:",
        "if True:",
        f"{DECIDED}::test_submission_that_needs_a_diverged_lane_is_not_taken",
    ),
    Mutant(
        "needs-every-lane",
        "samenspel.messaging.decisions.aggregates:Projected._may_be_on",
        "self.lanes[reference] == lane",
        "True",
        f"{DECIDED}::test_submission_that_needs_another_lane_is_decided",
    ),
    Mutant(
        "defers-on-a-diverged-lane",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._attempt",
        "work.projected.diverged_for([awaited_ref])",
        "set[LaneId]()",
        f"{DECIDED}::test_aggregate_that_may_be_on_a_diverged_lane_defers_nothing",
    ),
    Mutant(
        "decides-deferrals-on-a-diverged-lane",
        "samenspel.messaging.decisions.processor:SubmissionProcessor._decide_deferred",
        "if self._diverged_for(work.projected, submission):",
        "if False:",
        f"{DECIDED}::test_deadline_does_not_count_while_a_needed_lane_is_diverged",
    ),
    Mutant(
        "reads-an-ingress-that-is-held",
        "samenspel.messaging.ingress.kafka_receiver:KafkaReceiver._hold",
        "reader.pause_for(TopicPartition(topic, 0), inf)",
        "pass",
        f"{READ}::test_ingress_is_held_before_the_first_submission_that_needs_the_lane",
    ),
    Mutant(
        "decides-behind-what-is-held",
        "samenspel.messaging.ingress.kafka_receiver:DecodedBatch.before",
        "if record.topic not in stops:",
        "if all(incoming is not each for each in blocked):",
        f"{READ}::test_ingress_is_held_before_the_first_submission_that_needs_the_lane",
    ),
    Mutant(
        "leaves-an-unpublished-timeline",
        "samenspel.messaging.recovery.timelines:start_new_timeline",
        "lane.timeline > max(newest, FIRST)",
        "False",
        "tests/integration/messaging/recovery/test_timelines.py::test_timeline_that_is_not_published_yet_is_not_left",
    ),
    Mutant(
        "counts-forged-timelines",
        "samenspel.messaging.recovery.timelines:_newest_timeline",
        "check(newest, *position) is SequenceVerdict.NEW_TIMELINE",
        "position[0] > newest.timeline",
        "tests/integration/messaging/recovery/test_timelines.py"
        "::test_new_timeline_follows_the_timelines_that_a_reader_reaches",
    ),
    Mutant(
        "unbounded-integers",
        "samenspel.contracts.integers:read_integer",
        "not minimum <= (number := int(text)) <= maximum",
        "(number := int(text)) < 0",
        "tests/unit/contracts/test_integers.py::test_number_outside_its_bounds_is_refused",
    ),
)
