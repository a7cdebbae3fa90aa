"""The decisions of the by-the-book peers: models of a submission, state, events.

A peer decides the same as the registry: an initiative has one lead, and a change names the version it is based on. A
peer recognises repeats by an inbox, keeps the state, and writes the full state to an outbox in the same transaction.

A peer leaves out: receipts, the digest of a lane, sequence numbers, the journal that stays, the limits of an
organisation, strict JSON, problems with a remedy, and the quarantine. A record without a valid header or value is
lost, in a batch with the whole batch. A refused submission has no answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel

States = dict[str, tuple[str, int, dict[str, Any]]]
"""Lead, version and fields of an initiative, by id."""


class Initiative(BaseModel):
    """The data of a submission."""

    initiative_id: str
    title: str
    summary: str
    theme: str
    phase: str | None = None
    based_on_version: int | None = None


class CloudEvent(BaseModel):
    """A submission in structured mode."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    data: Initiative


@dataclass(frozen=True, slots=True)
class Submission:
    source: str
    id: str
    type: str
    lead: str
    data: Initiative

    @classmethod
    def of_event(cls, event: CloudEvent) -> "Submission":
        return cls(event.source, event.id, event.type, event.source.split(":")[3], event.data)

    @classmethod
    def of_headers(cls, headers: Mapping[str, str], data: Initiative) -> "Submission":
        source = headers["ce_source"]
        return cls(source, headers["ce_id"], headers["ce_type"], source.split(":")[3], data)


def decide(submission: Submission, states: States) -> bool:
    """Change the state in ``states``; False for a refused submission."""
    data, found = submission.data, states.get(submission.data.initiative_id)
    given = data.model_dump(exclude_none=True, exclude={"based_on_version"})
    if submission.type.endswith("registered.v1"):
        if found is not None:
            return False
        states[data.initiative_id] = submission.lead, 1, given
        return True
    if found is None or (submission.lead, data.based_on_version) != found[:2]:
        return False
    lead, version, fields = found
    states[data.initiative_id] = lead, version + 1, {**fields, **given}
    return True


def loaded(rows: list[Any]) -> States:
    return {row["id"]: (row["lead"], row["version"], orjson.loads(row["value"])) for row in rows}


def value_of(states: States, key: str) -> str:
    """The whole public state, as the data of the event."""
    lead, version, fields = states[key]
    return orjson.dumps({**fields, "lead": lead, "version": version}).decode()
