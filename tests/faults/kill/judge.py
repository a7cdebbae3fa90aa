"""The invariants after every run, for any kind of death."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from samenspel.contracts.topics import CANONICAL

from tests.faults.kill.harness import PATIENCE, Stage, Submitted
from tests.faults.kill.lane_log import Fact, Log
from tests.support.events import Event
from tests.support.waiting import eventually

HEADS: Final = """
select l.topic, l.lane, l.sequence, encode(l.digest, 'hex') as digest from lane l where l.sequence > 0
"""
PUBLISHED: Final = "select topic, lane, sequence from relay_progress"
POSITIONS: Final = "select topic, lane, sequence, encode(digest, 'hex') as digest from checkpoint where sequence > 0"
HISTORY: Final = """
create table if not exists budget_history (
  number bigint generated always as identity, programme_id text, ceiling_cents bigint, granted_cents bigint);
create or replace function keep_budget() returns trigger language plpgsql as $$ begin
  insert into budget_history (programme_id, ceiling_cents, granted_cents)
  values (new.programme_id, new.ceiling_cents, new.granted_cents);
  return null;
end $$;
create or replace trigger keep_budget after insert or update on budget for each row execute function keep_budget();
"""
"""Every committed state of every budget: all possible snapshots."""
KEPT: Final = """
select programme_id, ceiling_cents, granted_cents from budget_history where programme_id = any($1) order by number
"""


async def judge(stage: Stage) -> None:
    """Raises `AssertionError` at the first broken invariant. Forgets the submissions so far."""
    submitted, stage.submitted = stage.submitted, []
    await _are_published(stage)  # first: a receipt may precede the named event in the log
    for each in submitted:
        _are_answered(stage.log, each)
    await _copies_are_equal(stage)
    if stage.service == "funding":
        await _ceilings_are_kept(
            stage, {event["data"]["programme_id"] for each in submitted for event in each.events}
        )


def _are_answered(log: Log, submitted: Submitted) -> None:
    """Each record has an answer, and each accepted submission led exactly once to the events in the receipt."""
    addresses: Counter[str] = Counter()
    for event in submitted.events:
        answers = [answer for answer in log.answers[event["id"]] if answer["outcome"] != "deferred"]
        addresses.update(each["record"] for each in answers if each["record"] != "http" and not _is_set_apart(each))
        _led_to_its_facts(log, submitted, event, answers)
    assert addresses == Counter(submitted.records), (addresses - Counter(submitted.records), submitted.records)


def _is_set_apart(answer: dict[str, Any]) -> bool:
    """Whether another answer follows after the operator's retry."""
    return any(problem["code"] == "decision-failed" for problem in answer.get("problems", ()))


def _led_to_its_facts(log: Log, submitted: Submitted, event: Event, answers: Sequence[dict[str, Any]]) -> None:
    accepted = [answer for answer in answers if answer["outcome"] == "accepted"]
    refused = [answer for answer in answers if answer["outcome"] == "rejected"]
    assert len(accepted) == 1 or (refused and not accepted), answers
    promised: list[Fact] = [
        (each["lane"], each["sequence"], each["id"], each["type"]) for answer in accepted for each in answer["events"]
    ]
    cause = submitted.organisation.oin, submitted.organisation.source, event["id"]
    assert log.facts.get(cause, []) == promised, (cause, log.facts.get(cause), promised)


async def _are_published(stage: Stage) -> None:
    """All journalled events are in the log, with the owner's digest of that time."""
    heads = await stage.database.fetch(HEADS)
    wanted = {(row["topic"], row["lane"]): row for row in heads}

    async def acknowledged() -> bool:
        published = await stage.database.fetch(PUBLISHED)
        behind = [
            row
            for row in published
            if (head := wanted.get((row["topic"], row["lane"]))) and row["sequence"] < head["sequence"]
        ]
        return not behind

    await eventually(acknowledged, PATIENCE, "the journal published")
    for name, head in wanted.items():
        if name[0] in CANONICAL or name in stage.log.lanes:
            await stage.log.reach(name, head["sequence"], PATIENCE)
        if name[0] in CANONICAL:
            assert stage.log.digests[name][head["sequence"] - 1] == head["digest"], name


async def _copies_are_equal(stage: Stage) -> None:
    """At every checkpoint of this service the digest equals the digest in the log."""
    for row in await stage.database.fetch(POSITIONS):
        name = row["topic"], row["lane"]
        await stage.log.reach(name, row["sequence"], PATIENCE)
        assert stage.log.digests[name][row["sequence"] - 1] == row["digest"], name


async def keep_history(stage: Stage) -> None:
    """From now on funding's database keeps every committed state of a budget."""
    await stage.database.execute(HISTORY)


async def _ceilings_are_kept(stage: Stage, programmes: set[str]) -> None:
    """No committed state grants more than the ceiling, and each state follows from the events."""
    history: dict[str, list[int]] = {programme: [] for programme in programmes}
    for row in await stage.database.fetch(KEPT, sorted(programmes)):
        assert row["granted_cents"] <= row["ceiling_cents"], row
        history[row["programme_id"]].append(row["granted_cents"])
    for programme, states in history.items():
        sums = _granted_after_each_event(stage.log.states[programme])
        assert states == sorted(set(states)) and states[-1] == sums[-1], (programme, states, sums)
        assert set(states) <= set(sums), (programme, states, sums)


def _granted_after_each_event(states: Sequence[Any]) -> list[int]:
    """Cents, from 0 on, after each decision on a programme; each decision states the correct remaining amount."""
    ceiling, sums = 0, [0]
    for state in states:
        ceiling = state.get("ceiling_cents", ceiling)
        if decision := state.get("decision"):
            assert decision["room_before_cents"] == ceiling - sums[-1], decision
            sums.append(sums[-1] + decision["granted_cents"])
            assert decision["room_after_cents"] == ceiling - sums[-1] >= 0, decision
    return sums
