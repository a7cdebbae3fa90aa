"""Groups of HTTP requests: one mutant for each way in which a request could harm, or be taken for, another."""

from typing import Final

from tests.mutants.mutant import Mutant

_GROUPS: Final = "samenspel.messaging.ingress.submission_groups"
_TESTS: Final = "tests/unit/messaging/ingress/test_submission_groups.py"

GROUPING: Final = (
    Mutant(
        "unlimited-http-group",
        f"{_GROUPS}:_Group.has_room",
        "own + number > SHARE_MAX",
        "False",
        f"{_TESTS}::test_organisation_has_a_share_of_a_group_while_others_wait_and_all_of_it_when_alone",
    ),
    Mutant(
        "group-of-the-first-organisation",
        f"{_GROUPS}:RequestQueues.next_group",
        "(number + len(request.incoming), place, organisation))",
        "(0, place, organisation))",
        f"{_TESTS}::test_group_takes_requests_of_all_organisations_in_turns",
    ),
    Mutant(
        "first-organisation-always-first",
        f"{_GROUPS}:RequestQueues.next_group",
        "self._queues[organisation] = queue",
        "self._queues = {organisation: queue, **self._queues}",
        f"{_TESTS}::test_organisation_that_found_no_room_comes_first_in_the_next_group",
    ),
    Mutant(
        "unlimited-submissions-of-a-group",
        f"{_GROUPS}:_Group.has_room",
        "self.submissions + number <= GROUP_SUBMISSIONS_MAX and ",
        "",
        f"{_TESTS}::test_group_is_bounded_in_submissions_and_a_request_is_never_split",
    ),
    Mutant(
        "unlimited-bytes-of-a-group",
        f"{_GROUPS}:_Group.has_room",
        " and self.size + request.size <= GROUP_BYTES_MAX",
        "",
        f"{_TESTS}::test_group_is_bounded_in_bytes",
    ),
    Mutant(
        "failed-group-fails-all",
        f"{_GROUPS}:_fail",
        "len(group) > 1 and not meets_all",
        "False",
        f"{_TESTS}::test_request_that_fails_its_group_does_not_fail_the_others",
    ),
    Mutant(
        "answers-of-others",
        f"{_GROUPS}:SubmissionGroups._decide",
        "[next(answered) for _ in request.incoming]",
        "list(answered)",
        f"{_TESTS}::test_requests_that_wait_share_the_next_transaction_and_each_gets_its_own_answers",
    ),
    Mutant(
        "group-of-one-organisation",
        f"{_GROUPS}:SubmissionGroups.decide",
        "self._work(), context=Context()",
        "self._work()",
        f"{_TESTS}::test_group_belongs_to_no_organisation",
    ),
    Mutant(
        "leaves-a-transaction-that-has-begun",
        f"{_GROUPS}:SubmissionGroups.decide",
        "if self._queues.remove(request):",
        "if self._queues.remove(request) or not request.answered.done():",
        f"{_TESTS}::test_request_whose_transaction_has_begun_learns_the_outcome_after_its_time",
    ),
    Mutant(
        "decides-for-a-client-that-left",
        f"{_GROUPS}:SubmissionGroups.decide",
        "self._queues.remove(request)\n            request.answered.cancel()",
        "request.answered.cancel()",
        f"{_TESTS}::test_request_of_a_client_that_left_is_left_out_or_committed_whole",
    ),
    Mutant(
        "fails-every-group",
        "samenspel.messaging.ingress.submitter:Submitter._decide",
        "self._apart_until[organisation] = monotonic() + APART_SECONDS",
        "pass",
        "tests/unit/messaging/ingress/test_submitter.py"
        "::test_organisation_whose_request_failed_is_decided_apart_for_a_while",
    ),
    Mutant(
        "verifies-a-signature-for-ever",
        "samenspel.runtime.tokens:TokenVerifier._verified",
        "keys is not None and keys is await self.keys.current()",
        "keys is not None",
        "tests/unit/runtime/test_tokens.py::test_token_of_a_withdrawn_key_is_refused_although_it_was_verified_before",
    ),
    Mutant(
        "answers-count-until-written",
        "samenspel.runtime.http:SecurityHeaders.__call__",
        'len(message.get("body", b"")) > LARGE_BYTES',
        "False",
        "tests/unit/runtime/test_http_limits.py::test_request_counts_until_its_answer_is_taken",
    ),
    Mutant(
        "direct-route-without-its-routers",
        "samenspel.runtime.direct_route:DirectRoute.handle",
        "context.dependant if context else self.dependant",
        "self.dependant",
        "tests/unit/runtime/test_direct_route.py::test_dependencies_of_outer_routers_run_too",
    ),
)
