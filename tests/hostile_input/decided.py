"""Hostile content refused by a decision: an event in conflict with the state of a `Scene`."""

from typing import Final

import orjson

from tests.hostile_input.content import USED, Case, Data, data_of, fields, good, problems
from tests.support.events import initiative, new_id


def _change(subject: str, version: int) -> Data:
    return lambda scene: orjson.dumps(
        {"initiative_id": getattr(scene, subject), "based_on_version": version, "title": "Anders"}
    )


DECIDED: Final = [
    Case(
        "an unknown partner",
        fields(partners=["00000099999999999999"]),
        problems(("unknown-organisation", "/partners")),
    ),
    Case(
        "a used id, other content",
        lambda scene: good(),
        problems(("same-id-other-content", "id")),
        attributes={"id": USED},
    ),
    *(
        Case(name, _change("own", version), problems(("stale-version", "/based_on_version")), "initiative-changed")
        for name, version in {"a stale version": 1, "a version to come": 9}.items()
    ),
    Case("somebody else's initiative", _change("foreign", 1), problems(("not-permitted", "/")), "initiative-changed"),
    Case(
        "no such initiative",
        lambda scene: orjson.dumps({"initiative_id": new_id(), "based_on_version": 1}),
        problems(("unknown-initiative", "/initiative_id")),
        "initiative-changed",
    ),
    Case(
        "an initiative that exists",
        lambda scene: orjson.dumps(initiative(initiative_id=scene.own)),
        problems(("already-exists", "/initiative_id")),
    ),
    Case(
        "an organisation that admits",
        data_of(orjson.dumps({"oin": "00000099999999999998", "name": "x", "kind": "ministry"})),
        problems(("not-permitted", "type")),
        "organisation-admitted",
    ),
]
"""Refused by the registry's decision."""
