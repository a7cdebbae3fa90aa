"""Explanation of a decision on an application, from a replica alone: budget, rule, and preceding events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from samenspel.client.read.sentences import NameIndex, euro, sentence
from samenspel.client.replica.store import ReplicaStore
from samenspel.contracts.catalogue import APPLICATION, PROGRAMME

_STATE: Final = "select value from aggregate where (aggregate, subject) = (?, ?)"
_HISTORY: Final = """
select time, id, lane, sequence, type, aggregate, submitter, value from event
where subject in (:programme, :application) or (
    lane in (select lane from event where subject = :programme) and aggregate = 'application.v1'
    and value ->> '$.programme_id' = :programme and value ->> '$.decision.granted_cents' > 0
    and number < (select max(number) from event where subject = :application)
)
order by number
"""
_NAMES: Final = "select aggregate, value from aggregate where aggregate in ('organisation.v1', 'programme.v1')"
_RULES: Final = {
    "within-ceiling": "The requested amount fits under the ceiling and was granted in full",
    "limited-to-ceiling": "Less than the proposed amount was left; the grant was limited to the amount left",
    "ceiling-reached": "Nothing was left under the ceiling, so the application had to be refused",
    "refused-by-authority": "The authority refused the application on other grounds than the ceiling",
}
_LESS_PROPOSED: Final = "The authority proposed less than the requested amount; the proposal fits under the ceiling"
_CEILING: Final = {
    "subsidie": "subsidieplafond",
    "specifieke-uitkering": "uitkeringsplafond",
    "decentralisatie-uitkering": "uitkeringsplafond",
    "bijdrage-convenant": "plafond van het convenant",
}
"""The Dutch word for the ceiling, by instrument. Awb 4:22 defines *subsidieplafond* for subsidies only."""
_DUTCH: Final = {
    "within-ceiling": "binnen het {ceiling}",
    "limited-to-ceiling": "verleend tot aan het {ceiling}",
    "ceiling-reached": "{ceiling} bereikt",
    "refused-by-authority": "geweigerd door het bestuursorgaan",
}


@dataclass(frozen=True, slots=True)
class ExplanationStep:
    """An event preceding the decision, or the decision; ``said`` is the event as a sentence."""

    time: str
    event: str
    lane: str
    sequence: int
    said: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """``application`` and ``programme`` are public states; ``sentences`` explain the decision in plain words."""

    application: dict[str, Any]
    programme: dict[str, Any] | None
    sentences: tuple[str, ...]
    steps: tuple[ExplanationStep, ...]


def explain(store: ReplicaStore, application_id: str) -> Explanation | None:
    """Explain the decision on an application; None when the replica has no such application.

    Raises ReplicaError when the first sync of the file has not ended.
    """
    store.require_loaded()
    application = _state(store, APPLICATION.name, application_id)
    if application is None:
        return None
    programme = _state(store, PROGRAMME.name, application["programme_id"])
    names = NameIndex()
    for aggregate, value in store.query(_NAMES):
        names.learn(aggregate, orjson.loads(value))
    return Explanation(
        application,
        programme,
        tuple(_sentences(application, programme, names)),
        tuple(_steps(store, application, names)),
    )


def _state(store: ReplicaStore, aggregate: str, subject: str) -> dict[str, Any] | None:
    row = next(iter(store.query(_STATE, aggregate, subject)), None)
    return orjson.loads(row[0]) if row else None


def _sentences(application: dict[str, Any], programme: dict[str, Any] | None, names: NameIndex) -> Iterator[str]:
    activity = application.get("activity") or "An application"
    beneficiary = (application.get("beneficiary") or {}).get("name") or names.organisation(application["applicant"])
    yield f"{activity}, for {beneficiary}, submitted by {names.organisation(application['applicant'])}."
    ceiling = _CEILING.get((programme or {}).get("instrument", ""), "plafond")
    if programme is not None:
        yield (
            f"Programme '{programme['name']}' of {names.organisation(programme['authority'])} has a ceiling "
            f"({ceiling}) of {euro(programme['ceiling_cents'])}, under {programme['legal_basis']}."
        )
    if application.get("decision") is None:
        yield f"The application was received at {application['received_at']} and is not decided yet."
        yield from _link(application)
    else:
        yield from _decision_sentences(application, application["decision"], ceiling)


def _decision_sentences(application: dict[str, Any], decision: dict[str, Any], ceiling: str) -> Iterator[str]:
    """The decision: three amounts of the application, and the amount left under the ceiling before and after."""
    proposed = decision["asked_cents"]
    requested = application.get("requested_cents", proposed)
    yield f"Decided on {decision['decided_on']}: {application['status']}."
    yield from _link(application)
    yield f"  left before  {euro(decision['room_before_cents']):>22}"
    yield f"  requested    {euro(requested):>22}"
    yield f"  proposed     {euro(proposed):>22}"
    yield f"  granted      {euro(decision['granted_cents']):>22}"
    yield f"  left after   {euro(decision['room_after_cents']):>22}"
    rule = decision["rule"]
    reason = _LESS_PROPOSED if rule == "within-ceiling" and proposed < requested else _RULES.get(rule, rule)
    yield f"{reason} ({_DUTCH.get(rule, rule).format(ceiling=ceiling)}; {decision['article']})."
    if grounds := decision.get("grounds"):
        yield f"Grounds (weigeringsgronden): {', '.join(grounds)}."
    if explanation := decision.get("explanation"):
        yield f"Explanation by the authority: {explanation}"


def _link(application: dict[str, Any]) -> Iterator[str]:
    if application.get("initiative_link") == "not-registered-yet":
        yield "The initiative that the application names was not registered yet."


def _steps(store: ReplicaStore, application: dict[str, Any], names: NameIndex) -> Iterator[ExplanationStep]:
    """Events of the programme and the application, and earlier grants of the programme, in order."""
    about = {"programme": application["programme_id"], "application": application["application_id"]}
    for time, id, lane, sequence, kind, aggregate, submitter, value in store.query_named(_HISTORY, about):
        yield ExplanationStep(time, id, lane, sequence, sentence(kind, aggregate, submitter, value.encode(), names))
