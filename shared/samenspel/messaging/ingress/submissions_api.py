"""``GET /v1/submissions/{source}/{id}``: the present answer to an earlier submission of the organisation.

A deferred submission has the answer *deferred* until its final answer, which is stored for good.
"""

from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, HTTPException, Path, Response

from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX
from samenspel.messaging.inbox import answer_store
from samenspel.runtime.http import OrganisationOf, error_responses
from samenspel.runtime.postgres import Pool

_UNKNOWN: Final = "no answer to this submission is stored; send the submission, or send a submission again"
_INTERNAL: Final = ("lost", "submissionhashkey")
"""Members of a stored answer that concern the service only."""
SubmissionAttribute = Annotated[str, Path(min_length=1, max_length=ATTRIBUTE_CHARS_MAX, pattern=r"^[^\x00]+$")]


def submission_router(pool: Pool, organisation_of: OrganisationOf) -> APIRouter:
    """For the organisation's own submissions only."""
    router = APIRouter(prefix="/v1", responses=error_responses({404: "No answer is stored"}))

    @router.get("/submissions/{source}/{id:path}", summary="The present answer to one of your submissions")
    async def submission(
        source: SubmissionAttribute, id: SubmissionAttribute, organisation: Annotated[str, Depends(organisation_of)]
    ) -> Response:
        stored = await answer_store.look_up(pool, (organisation, source, id))
        answer = orjson.loads(stored) if stored else {"lost": True}
        if answer.get("lost"):
            raise HTTPException(404, _UNKNOWN)
        shown = {name: value for name, value in answer.items() if name not in _INTERNAL}
        return Response(orjson.dumps(shown), media_type="application/json")

    return router
