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
    "limited-to-ceiling": "Less than the requested amount was left; the application was granted up to the ceiling",
    "ceiling-reached": "Nothing was left under the ceiling, so the application had to be refused",
    "refused-by-authority": "The authority refused the application on other grounds than the ceiling",
}
_DUTCH: Final = {
    "within-ceiling": "binnen het subsidieplafond",
    "limited-to-ceiling": "verleend tot aan het subsidieplafond",
    "ceiling-reached": "subsidieplafond bereikt",
    "refused-by-authority": "geweigerd door het bestuursorgaan",
}


@dataclass(frozen=True, slots=True)
class Step:
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
    steps: tuple[Step, ...]


def explain(store: ReplicaStore, application_id: str) -> Explanation | None:
    """Explain the decision on an application; None when the replica has no such application."""
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
    if programme is not None:
        yield (
            f"Programme '{programme['name']}' of {names.organisation(programme['authority'])} has a ceiling "
            f"(subsidieplafond) of {euro(programme['ceiling_cents'])}, under {programme['legal_basis']}."
        )
    decision = application.get("decision")
    if decision is None:
        yield f"The application was received at {application['received_at']} and is not decided yet."
        yield from _link(application)
        return
    yield f"Decided on {decision['decided_on']}: {application['status']}."
    yield from _link(application)
    yield f"  left before  {euro(decision['room_before_cents']):>22}"
    yield f"  requested    {euro(decision['asked_cents']):>22}"
    yield f"  granted      {euro(decision['granted_cents']):>22}"
    yield f"  left after   {euro(decision['room_after_cents']):>22}"
    rule = decision["rule"]
    yield f"{_RULES.get(rule, rule)} ({_DUTCH.get(rule, rule)}; {decision['article']})."
    if grounds := decision.get("grounds"):
        yield f"Grounds (weigeringsgronden): {', '.join(grounds)}."
    if explanation := decision.get("explanation"):
        yield f"Explanation by the authority: {explanation}"


def _link(application: dict[str, Any]) -> Iterator[str]:
    if application.get("initiative_link") == "not-registered-yet":
        yield "The initiative that the application names was not registered yet."


def _steps(store: ReplicaStore, application: dict[str, Any], names: NameIndex) -> Iterator[Step]:
    """Events of the programme and the application, and earlier grants of the programme, in order."""
    about = {"programme": application["programme_id"], "application": application["application_id"]}
    for time, id, lane, sequence, kind, aggregate, submitter, value in store.query_named(_HISTORY, about):
        yield Step(time, id, lane, sequence, sentence(kind, aggregate, submitter, value.encode(), names))
