"""``POST /v1/events``: CloudEvents from an organisation, decided at once.

The same processor decides a record from Kafka and a request over HTTP. The HTTP response and the receipt
contain the same answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import structlog
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Depends, HTTPException, Request, Response

from samenspel.contracts.cloudevents import Envelope, HttpEvents, from_http
from samenspel.contracts.media_types import BATCH, JSON, STRUCTURED
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.submission_hashes import HashKeyMissing
from samenspel.contracts.submissions import Submission, read_submission
from samenspel.messaging.errors import TRANSIENT, LaneDiverged
from samenspel.messaging.inbox import answers
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer, unreadable_submission
from samenspel.messaging.ingress.submitter import NotAdmitted, Submitter
from samenspel.runtime.cooperative import yielding
from samenspel.runtime.direct_route import DirectRoute
from samenspel.runtime.http import OrganisationOf, api_router, problem, read_body
from samenspel.runtime.metrics import ANSWERS

log = structlog.get_logger()

EVENTS_MAX: Final = 500
DIVERGED_RETRY_SECONDS: Final = 30
BATCH_PROBLEMS_MAX: Final = 10_000
"""Problems in the answer to one batch, beyond the first problem of each event."""
_ACCEPTS: Final = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "object"}} for kind in (STRUCTURED, BATCH, JSON)},
    }
}
_FORBIDDEN: Final = {"source-mismatch", "not-permitted"}
_CONFLICTS: Final = {
    "stale-version",
    "already-exists",
    "already-decided",
    "same-id-other-content",
    "wrong-phase",
    "limit-reached",
    "details-expired",
}
_TOO_LARGE: Final = {"submission-too-large", "state-too-large"}


def event_router(submitter: Submitter, organisation_of: OrganisationOf) -> APIRouter:
    """The router for submissions; complete, so that an app may match its routes before all others."""
    router = api_router(organisation_of, prefix="/v1", route_class=DirectRoute)

    @router.post("/events", openapi_extra=_ACCEPTS, summary="Submit one CloudEvent, or a batch")
    async def post_events(request: Request, organisation: Annotated[str, Depends(organisation_of)]) -> Response:
        await submitter.require_storage(organisation)
        try:
            body = await read_body(request)
            events = _require_event(from_http(request.headers.raw, body))
        except Rejected as refusal:
            return _refused(refusal.problems)
        # Events are decoded in the turn of their organisation: waiting requests hold only their bytes.
        async with submitter.turns.slot(organisation):
            incoming = [decode(submitter, each, organisation) async for each in yielding(events.envelopes)]
            answered = await submit(submitter, organisation, _with_few_problems(incoming), len(body))
        if events.is_batch:
            return Response(b"[" + b",".join(each.json for each in answered) + b"]", media_type=JSON)
        return response_to(answered[0])

    return router


def _require_event(events: HttpEvents) -> HttpEvents:
    """Raises `Rejected` for a single event that is unreadable, and HTTP 413 for too many events."""
    if events.number > EVENTS_MAX:
        raise HTTPException(413, f"at most {EVENTS_MAX} events at once")
    if events.is_batch:
        return events
    [envelope] = events.envelopes
    if not envelope.is_event:
        raise Rejected(*envelope.problems)
    return replace(events, envelopes=[envelope])


def _with_few_problems(incoming: Sequence[Incoming]) -> list[Incoming]:
    """The same input, with at most `BATCH_PROBLEMS_MAX` problems in total; one event keeps one problem at least."""
    left = BATCH_PROBLEMS_MAX
    bounded: list[Incoming] = []
    for each in incoming:
        if not isinstance(each, Submission):
            kept = each.problems[: max(1, left)]
            left -= len(kept)
            left_out = each.problems_left_out + len(each.problems) - len(kept)
            each = replace(each, problems=kept, problems_left_out=left_out)
        bounded.append(each)
    return bounded


def decode(submitter: Submitter, envelope: Envelope, organisation: str) -> Incoming:
    """The submission in an envelope, or the problems of an unreadable envelope."""
    processor = submitter.processor
    try:
        return read_submission(envelope, organisation, processor.decider.types, processor.clock(), "http")
    except Rejected as refusal:
        return unreadable_submission(organisation, envelope, refusal, "http")


async def submit(
    submitter: Submitter, organisation: str, incoming: Sequence[Incoming], size: int
) -> list[RenderedAnswer]:
    """Decide submissions now, ``size`` bytes together, in the turn of the organisation.

    Raises HTTP 403 for an organisation without admission, and 503 while PostgreSQL or Kafka is unreachable.
    """
    try:
        answered = await submitter.submit(organisation, incoming, size) if incoming else []
    except NotAdmitted as refusal:
        raise HTTPException(403, str(refusal)) from None
    except LaneDiverged as diverged:
        log.warning("HTTP submission not taken", error=diverged)
        detail = f"{diverged}; nothing was stored, send the submission again later"
        raise HTTPException(503, detail, {"Retry-After": str(DIVERGED_RETRY_SECONDS)}) from None
    except (KafkaError, HashKeyMissing, *TRANSIENT) as error:
        log.warning("HTTP submission not processed", error=error)
        detail = "the service cannot decide now and stored nothing; send the submission again, repeats are recognised"
        raise HTTPException(503, detail, {"Retry-After": "1"}) from None
    for outcome, number in Counter(each.outcome for each in answered).items():
        ANSWERS.labels(outcome, "http").inc(number)
    return answered


async def submit_over_http(submitter: Submitter, organisation: str, envelope: Envelope) -> Response:
    """Decide a submission composed by another HTTP endpoint, and answer as ``POST /v1/events`` does."""
    async with submitter.turns.slot(organisation):
        incoming = [decode(submitter, envelope, organisation)]
        [answer] = await submit(submitter, organisation, incoming, len(envelope.data))
    return response_to(answer)


def response_to(answer: RenderedAnswer) -> Response:
    """Status 200 for accepted, 202 for deferred, problem+json for rejected.

    A repeat gets the status of the first answer, and 409 when the problems of the first answer are no longer kept.
    """
    outcome, details = answers.effect_of(answer.decision)
    if outcome == "rejected":
        problems, left_out = details["problems"], details.get("problems_left_out", 0)
        detail = f"{len(problems) + left_out} problem(s)"
        return problem(_status_of(problems), "Submission rejected", detail, problems, left_out=left_out)
    return Response(answer.json, 202 if outcome == "deferred" else 200, media_type="application/json")


def _status_of(problems: Sequence[Mapping[str, Any]]) -> int:
    codes = {each["code"] for each in problems}
    if codes & _FORBIDDEN:
        return 403
    if codes & _CONFLICTS:
        return 409
    return 413 if codes & _TOO_LARGE else 400


def _refused(problems: Sequence[Problem]) -> Response:
    found = [each.model_dump() for each in problems]
    return problem(_status_of(found), "Not a CloudEvent", "the request cannot be read", found)
