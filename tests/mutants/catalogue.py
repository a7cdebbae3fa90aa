"""The protections, how each is switched off, and the test that notices."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """In its ``home``, ``module:definition`` or a migration's path, ``was`` stands once and becomes ``becomes``."""

    name: str
    home: str
    was: str
    becomes: str
    test: str
    """The node id of the test that must turn red."""

    @property
    def module(self) -> str:
        return self.home.partition(":")[0]

    @property
    def definition(self) -> str:
        return self.home.partition(":")[2]

    def __str__(self) -> str:
        return self.name


MUTANTS: Final = (
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
        "grants-beyond-the-ceiling",
        "services.funding.ceiling:within_ceiling",
        "wanted_cents <= room_cents",
        "True",
        "tests/funding/test_ceiling.py::test_r1_granted_never_exceeds_the_ceiling",
    ),
    Mutant(
        "changes-on-stale-ground",
        "services.registry.domain:_on_time",
        "based_on != version",
        "False",
        "tests/registry/test_initiatives.py::test_a_change_on_stale_ground_is_refused",
    ),
    Mutant(
        "takes-any-source",
        "samenspel.contracts.submissions:_foreign",
        "match and match[1] == organisation",
        "True",
        "tests/contracts/test_bad_input.py::test_bad_attributes_are_refused_with_their_codes",
    ),
    Mutant(
        "no-lane-lock",
        "samenspel.messaging.lanes:LOCK",
        " for update",
        "",
        "tests/law/test_turns.py::test_they_take_turns",
    ),
    Mutant(
        "reads-before-the-lock",
        "samenspel.messaging.desk:Desk._open",
        "        locked = await lanes.lock(connection, deciding | answering)\n"
        "        wanted = {reference for each in submissions for reference in handlers.own(each)}\n"
        "        own = await aggregates.load(connection, wanted, locked)\n",
        "        wanted = {reference for each in submissions for reference in handlers.own(each)}\n"
        "        own = await aggregates.load(connection, wanted, deciding)\n"
        "        locked = await lanes.lock(connection, deciding | answering)\n",
        "tests/law/test_turns.py::test_the_second_decides_on_what_the_first_has_made",
    ),
    Mutant(
        "forgets-what-was-answered",
        "samenspel.messaging.answers:known",
        "if not submissions:",
        "if True:",
        "tests/law/test_turns.py::test_the_same_submission_twice_is_decided_once",
    ),
    Mutant(
        "identity-without-organisation",
        "samenspel.messaging.answers:identity",
        "submission.organisation, submission.source, submission.id",
        "'', '', submission.id",
        "tests/law/test_turns.py::test_two_organisations_may_use_one_id",
    ),
)
