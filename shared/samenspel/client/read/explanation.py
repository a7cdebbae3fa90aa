"""Why a decision on an application fell as it did, from a replica alone: the room, the rule, and what led there."""

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
    "within-ceiling": "What was asked fits under the ceiling, so it was granted whole",
    "limited-to-ceiling": "Less was left than was asked: it was granted for as far as the ceiling leaves room",
    "ceiling-reached": "Nothing was left under the ceiling, so it had to be refused",
    "refused-by-authority": "The authority refused it; the ceiling did not come into it",
}
_DUTCH: Final = {
    "within-ceiling": "binnen het subsidieplafond",
    "limited-to-ceiling": "verleend tot aan het subsidieplafond",
    "ceiling-reached": "subsidieplafond bereikt",
    "refused-by-authority": "geweigerd door het bestuursorgaan",
}


@dataclass(frozen=True, slots=True)
class Step:
    """An event that led there."""

    time: str
    event: str
    lane: str
    sequence: int
    said: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """``application`` and ``programme`` are their public states; ``sentences`` tell the whole in plain words."""

    application: dict[str, Any]
    programme: dict[str, Any] | None
    sentences: tuple[str, ...]
    steps: tuple[Step, ...]


def explain(store: ReplicaStore, application_id: str) -> Explanation | None:
    """None when this replica knows no such application."""
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
    what = application.get("activity") or "An application"
    who = (application.get("beneficiary") or {}).get("name") or names.organisation(application["applicant"])
    yield f"{what}, for {who}, submitted by {names.organisation(application['applicant'])}."
    if programme is not None:
        yield (
            f"Programme '{programme['name']}' of {names.organisation(programme['authority'])} has a ceiling "
            f"(subsidieplafond) of {euro(programme['ceiling_cents'])}, under {programme['legal_basis']}."
        )
    decision = application.get("decision")
    if decision is None:
        yield f"It was received at {application['received_at']} and has not been decided yet."
        return
    yield f"Decided on {decision['decided_on']}: {application['status']}."
    yield f"  room before  {euro(decision['room_before_cents']):>22}"
    yield f"  asked        {euro(decision['asked_cents']):>22}"
    yield f"  granted      {euro(decision['granted_cents']):>22}"
    yield f"  room after   {euro(decision['room_after_cents']):>22}"
    rule = decision["rule"]
    yield f"{_RULES.get(rule, rule)} ({_DUTCH.get(rule, rule)}; {decision['article']})."
    if grounds := decision.get("grounds"):
        yield f"Grounds (weigeringsgronden): {', '.join(grounds)}."
    if said := decision.get("explanation"):
        yield f"The authority says: {said}"


def _steps(store: ReplicaStore, application: dict[str, Any], names: NameIndex) -> Iterator[Step]:
    """The programme's and the application's own events, and the grants that took room before it, in order."""
    about = {"programme": application["programme_id"], "application": application["application_id"]}
    for time, id, lane, sequence, kind, aggregate, submitter, value in store.query_named(_HISTORY, about):
        yield Step(time, id, lane, sequence, sentence(kind, aggregate, submitter, value.encode(), names))
