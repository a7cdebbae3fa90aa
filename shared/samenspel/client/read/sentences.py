"""Canonical events as English sentences. Names of organisations and titles come from earlier events."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from samenspel.contracts.catalogue import ORGANISATION, event_types_named

Data = Mapping[str, Any]


def euro(cents: int) -> str:
    """Amount in Dutch notation, such as € 1.234.567,89; whole euros without decimals."""
    whole, rest = divmod(cents, 100)
    grouped = f"{whole:,}".replace(",", ".")
    return f"€ {grouped},{rest:02d}" if rest else f"€ {grouped}"


class NameIndex:
    """Names of organisations by OIN, and titles of initiatives and programmes by id, collected from events."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        """``known`` are names by OIN that no event contains, such as the name of the operator."""
        self._organisations: dict[str, str] = dict(known or {})
        self._titles: dict[str, str] = {}

    def learn(self, aggregate: str, data: Data) -> None:
        if aggregate == ORGANISATION.name:
            self._organisations[data["oin"]] = data["name"]
        for field, title in (("initiative_id", "title"), ("programme_id", "name")):
            if field in data and title in data:
                self._titles[data[field]] = data[title]

    def organisation(self, oin: str) -> str:
        return self._organisations.get(oin, oin)

    def title(self, id: str | None) -> str:
        return f"'{self._titles[id]}'" if id in self._titles else str(id)


def sentence(kind: str, aggregate: str, submitter: str, value: bytes, names: NameIndex) -> str:
    """The event as a sentence; the type name when the type is unknown or the data is invalid.

    Adds the names in the event to ``names``.
    """
    try:
        data = orjson.loads(value)
        names.learn(aggregate, data)
        describe = _PREDICATES.get(kind)
        predicate = describe(data, names) if describe else f"submitted {kind} about {aggregate}"
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        predicate = f"submitted {kind}"
    return f"{names.organisation(submitter)} {predicate}"


def _milestone(verb: str) -> Callable[[Data, NameIndex], str]:
    def describe(data: Data, names: NameIndex) -> str:
        slug = data["latest_milestone"]
        milestone = next(each for each in data["milestones"] if each["milestone"] == slug)
        ending = f": {milestone['reason']}" if milestone.get("reason") and verb != "reached" else ""
        when = f", planned on {milestone['planned_on']}" if verb in ("planned", "rescheduled") else ""
        about = names.title(data["initiative_id"])
        return f"{verb} milestone '{milestone['title']}' of its rollout of {about}{when}{ending}"

    return describe


def _registered(data: Data, names: NameIndex) -> str:
    partners = ", ".join(map(names.organisation, data.get("partners") or ()))
    return f"registered initiative '{data['title']}' ({data['theme']}){f' with {partners}' if partners else ''}"


def _submitted(data: Data, names: NameIndex) -> str:
    return f"applied for money from {names.title(data['programme_id'])}"


def _decided(data: Data, names: NameIndex) -> str:
    decision = data["decision"]
    beneficiary = (data.get("beneficiary") or {}).get("name") or names.organisation(data["applicant"])
    programme = names.title(data["programme_id"])
    if data["status"] == "refused":
        return f"refused {beneficiary} money from {programme} ({decision['article']})"
    requested = data.get("requested_cents")
    part = f" of the {euro(requested)} requested" if requested and data["status"] == "granted-in-part" else ""
    left = euro(decision["room_after_cents"])
    return f"granted {beneficiary} {euro(decision['granted_cents'])}{part} from {programme}; {left} is left"


def _opened(data: Data, names: NameIndex) -> str:
    return f"opened programme '{data['name']}' with a ceiling of {euro(data['ceiling_cents'])}"


_PREDICATES: Final[Mapping[str, Callable[[Data, NameIndex], str]]] = {
    name: describe
    for event, describe in {
        "organisation-admitted": lambda data, names: f"admitted {data['name']} ({data['kind']})",
        "organisation-changed": lambda data, names: f"changed the details of {data['name']}",
        "initiative-registered": _registered,
        "initiative-changed": lambda data, names: f"changed initiative '{data['title']}'",
        "initiative-phase-changed": lambda data, names: f"moved initiative '{data['title']}' to {data['phase']}",
        "initiative-stopped": lambda data, names: f"stopped '{data['title']}': {data['stopped_because']}",
        "rollout-started": lambda data, names: f"adopted initiative {names.title(data['initiative_id'])}",
        **{
            f"rollout-milestone-{verb}": _milestone(verb)
            for verb in ("planned", "rescheduled", "reached", "missed", "cancelled")
        },
        "programme-opened": _opened,
        "application-submitted": _submitted,
        "grant-awarded": _decided,
        "grant-awarded-in-part": _decided,
        "application-refused": _decided,
        "subscription-created": lambda data, names: "subscribed to events",
        "subscription-cancelled": lambda data, names: "cancelled a subscription",
    }.items()
    for name in event_types_named(event)
}
