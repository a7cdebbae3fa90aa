"""Everything that may be wrong with a submission, once: each case runs over every door and gets the same codes.

A case is what an organisation sends, attributes and raw data, and the problems that it must be told, as
``(code, field)``. They are all told at once, so a case lists every one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from samenspel.contracts.catalogue import type_name

from tests.support.events import initiative, new_id

Attributes = dict[str, str]
Told = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is already: the sender, an initiative of its own (version 2), one of somebody else, a used id."""

    source: str
    own: str
    foreign: str
    used_id: str


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    data: Callable[[Scene], bytes]
    told: frozenset[Told]
    fact: str = "initiative-registered"
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    """What differs from the attributes of a good event; None leaves one out."""
    embeddable: bool = True
    """Whether the data is JSON, so that a structured event can carry it."""

    def attributes_in(self, scene: Scene) -> Attributes:
        given: dict[str, str | None] = {
            "specversion": "1.0",
            "id": new_id(),
            "source": scene.source,
            "type": type_name(self.fact),
            **self.attributes,
        }
        if given["id"] == USED:
            given["id"] = scene.used_id
        return {name: value for name, value in given.items() if value is not None}


USED = "the id of another event"
"""Stands for `Scene.used_id` in a case's attributes."""


def _json(**changes: Any) -> Callable[[Scene], bytes]:
    return lambda scene: orjson.dumps(initiative(**changes))


def _costing(amount: bytes) -> Callable[[Scene], bytes]:
    """An initiative with one cost of this amount, spelled exactly so."""
    costs = [{"category": "knowledge", "amount_cents": "AMOUNT"}]
    return lambda scene: orjson.dumps(initiative(estimated_costs=costs)).replace(b'"AMOUNT"', amount)


def _spelled(before: bytes, after: bytes) -> Callable[[Scene], bytes]:
    return lambda scene: orjson.dumps(initiative(title="TITLE")).replace(before, after)


def _told(*problems: Told) -> frozenset[Told]:
    return frozenset(problems)


def _change(subject: str, version: int) -> Callable[[Scene], bytes]:
    return lambda scene: orjson.dumps(
        {"initiative_id": getattr(scene, subject), "based_on_version": version, "title": "Anders"}
    )


COST = "/estimated_costs/0/amount_cents"
NOT_JSON = _told(("not-json", "/"))
GOOD = _json()
DEEP = b"[" * 10_000 + b"]" * 10_000
NESTED = b"[" * 500 + b"]" * 500

CASES = [
    Case("not JSON", lambda scene: b'{"initiative_id": ', NOT_JSON, embeddable=False),
    Case("nothing at all", lambda scene: b"", NOT_JSON, embeddable=False),
    Case("two values", lambda scene: orjson.dumps(initiative()) + b" 1", NOT_JSON, embeddable=False),
    Case("a byte order mark", lambda scene: b"\xef\xbb\xbf" + orjson.dumps(initiative()), NOT_JSON, embeddable=False),
    Case("not UTF-8", _spelled(b"TITLE", b"\xff\xfe"), _told(("not-utf-8", "/")), embeddable=False),
    Case("NaN", _costing(b"NaN"), NOT_JSON, embeddable=False),
    Case("1e400", _costing(b"1e400"), NOT_JSON, embeddable=False),
    Case("a surrogate without its other half", _spelled(b"TITLE", b"\\ud800"), NOT_JSON, embeddable=False),
    Case("a raw NUL byte", _spelled(b"TITLE", b"a\x00b"), NOT_JSON, embeddable=False),
    Case("depth 10,000", _spelled(b'"TITLE"', DEEP), NOT_JSON, embeddable=False),
    Case("depth 500", _spelled(b'"TITLE"', NESTED), NOT_JSON),
    Case("an array", lambda scene: b"[]", _told(("invalid-field", "/"))),
    Case("a number as text", _costing(b'"1200"'), _told(("invalid-field", COST))),
    Case("an amount of zero", _costing(b"0"), _told(("invalid-field", COST))),
    Case("a negative amount", _costing(b"-1"), _told(("invalid-field", COST))),
    Case("an amount in euros", _costing(b"12.50"), _told(("invalid-field", COST))),
    Case("an amount as a float", _costing(b"1200.0"), _told(("invalid-field", COST))),
    Case("an amount that is true", _costing(b"true"), _told(("invalid-field", COST))),
    Case("300 digits", _costing(b"9" * 300), _told(("invalid-field", COST))),
    Case("an amount above all money", _costing(str(10**15 + 1).encode()), _told(("invalid-field", COST))),
    Case("a key twice", _spelled(b'"title"', b'"title":"a","title"'), _told(("duplicate-key", "/title"))),
    Case(
        "a key twice, spelled differently",
        _spelled(b'"title"', b'"title" : "a","t\\u0069tle"'),
        _told(("duplicate-key", "/title")),
    ),
    Case(
        "a date that does not exist", _json(period={"start": "2026-02-30"}), _told(("invalid-field", "/period/start"))
    ),
    Case(
        "an end before the start",
        _json(period={"start": "2026-02-01", "end": "2026-01-01"}),
        _told(("invalid-field", "/period")),
    ),
    Case("text with NUL", _json(title="a\x00b"), _told(("invalid-field", "/title"))),
    Case("blank text", _json(title=" "), _told(("invalid-field", "/title"))),
    Case("text too long", _json(title="x" * 201), _told(("invalid-field", "/title"))),
    Case("an unknown field", _json(colour="red"), _told(("unknown-field", "/colour"))),
    Case(
        "an unknown partner", _json(partners=["00000099999999999999"]), _told(("unknown-organisation", "/partners"))
    ),
    Case(
        "everything at once",
        lambda scene: orjson.dumps({"initiative_id": "X", "theme": "war", "colour": 1, "summary": ""}),
        _told(
            ("invalid-field", "/initiative_id"),
            ("invalid-field", "/theme"),
            ("unknown-field", "/colour"),
            ("invalid-field", "/summary"),
            ("missing-field", "/title"),
            ("source-mismatch", "source"),
            ("invalid-attribute", "time"),
        ),
        attributes={"source": "urn:nld:oin:00000099999999999999:systeem:x", "time": "yesterday"},
    ),
    Case(
        "a large submission",
        lambda scene: b'{"title":"' + b"x" * 48_000 + b'"}',
        _told(("submission-too-large", "/")),
    ),
    Case("an unknown type", GOOD, _told(("unknown-type", "type")), fact="initiative-imagined"),
    Case(
        "an unknown version",
        GOOD,
        _told(("unknown-type", "type")),
        attributes={"type": "nl.samenspel.initiative-registered.v2"},
    ),
    Case("a type of another domain", GOOD, _told(("unknown-type", "type")), fact="programme-opened"),
    Case("no id", GOOD, _told(("missing-attribute", "id")), attributes={"id": None}),
    Case("an empty id", GOOD, _told(("missing-attribute", "id")), attributes={"id": ""}),
    Case("no source", GOOD, _told(("missing-attribute", "source")), attributes={"source": None}),
    Case("no type", GOOD, _told(("missing-attribute", "type")), attributes={"type": None}),
    Case("no specversion", GOOD, _told(("missing-attribute", "specversion")), attributes={"specversion": None}),
    Case("specversion 0.3", GOOD, _told(("invalid-attribute", "specversion")), attributes={"specversion": "0.3"}),
    Case("a long id", GOOD, _told(("invalid-attribute", "id")), attributes={"id": "x" * 1_025}),
    Case("a day without a time", GOOD, _told(("invalid-attribute", "time")), attributes={"time": "2026-11-24"}),
    Case("another subject", GOOD, _told(("subject-mismatch", "subject")), attributes={"subject": "x"}),
    Case(
        "a foreign source",
        GOOD,
        _told(("source-mismatch", "source")),
        attributes={"source": "urn:nld:oin:00000099999999999999:systeem:x"},
    ),
    Case(
        "a source that names nobody",
        GOOD,
        _told(("source-mismatch", "source")),
        attributes={"source": "https://city.example"},
    ),
    Case("a used id, other content", GOOD, _told(("same-id-other-content", "id")), attributes={"id": USED}),
    Case(
        "a stale version", _change("own", 1), _told(("stale-version", "/based_on_version")), fact="initiative-changed"
    ),
    Case(
        "a version to come",
        _change("own", 9),
        _told(("stale-version", "/based_on_version")),
        fact="initiative-changed",
    ),
    Case(
        "somebody else's initiative", _change("foreign", 1), _told(("not-permitted", "/")), fact="initiative-changed"
    ),
    Case(
        "no such initiative",
        lambda scene: orjson.dumps({"initiative_id": new_id(), "based_on_version": 1}),
        _told(("unknown-initiative", "/initiative_id")),
        fact="initiative-changed",
    ),
    Case(
        "an initiative that exists",
        lambda scene: orjson.dumps(initiative(initiative_id=scene.own)),
        _told(("already-exists", "/initiative_id")),
    ),
    Case(
        "an organisation that admits",
        lambda scene: orjson.dumps({"oin": "00000099999999999998", "name": "x", "kind": "ministry"}),
        _told(("not-permitted", "type")),
        fact="organisation-admitted",
    ),
]
