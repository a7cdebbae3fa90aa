"""The invariants of every state, and of states without further steps."""

from tests.model.reconciliation import is_ahead
from tests.model.state import Event, Events, Fault, Owner, Replica, Setting, State


def violation(state: State, setting: Setting) -> str | None:
    """The violated invariant, or None."""
    return (
        decided_well(state)
        or next((wrong for replica in state.replicas if (wrong := replica_violation(replica))), None)
        or log_violation(state, setting)
    )


def decided_well(state: State) -> str | None:
    """No submission decided twice, no sequence repeated or left out, and no decision on outdated state."""
    journal = [event for event in state.owner.decided if event.timeline == state.owner.timeline]
    causes = [event.cause for event in journal]
    if len(set(causes)) < len(causes):
        return f"decided twice: {told(journal)}"
    for event in journal:
        if event.seen != event.sequence - 1:
            return f"{event} was decided on the state after {event.seen}"
    return None


def replica_violation(replica: Replica) -> str | None:
    sequences = tuple(event.sequence for event in replica.applied)
    if len(set(sequences)) < len(sequences):
        return f"applied twice: {told(replica.applied)}"
    if sequences != tuple(range(1, len(sequences) + 1)):
        return f"not applied in order, or with a gap: {told(replica.applied)}"
    if len({event.timeline for event in replica.applied}) > 1:
        return f"two timelines in one replica: {told(replica.applied)}"
    if replica.position.sequence > len(sequences):
        return f"position {replica.position.sequence}, applied {told(replica.applied)}"
    return None


def log_violation(state: State, setting: Setting) -> str | None:
    first: dict[tuple[int, int], Event] = {}
    for event in state.log:
        if first.setdefault((event.timeline, event.sequence), event) != event:
            return f"one number, two events in the log: {told(state.log)}"
    if Fault.LOG not in setting.may and (wrong := gaps(state, first) or unpublished(state)) is not None:
        return wrong
    if (often := published_too_often(state, setting)) is not None:
        return often
    if Fault.RESTORE in setting.may:
        return None
    uncommitted = set(state.log) - set(state.owner.decided)
    if uncommitted:
        return f"the log holds what was never committed: {told(uncommitted)}"
    # A reconciliation begun before a new timeline finds the timeline in Kafka, closes, retries, and opens.
    return None if Fault.RENEW in setting.may else false_alarm(state)


def gaps(state: State, first: dict[tuple[int, int], Event]) -> str | None:
    """A new timeline of receipts begins behind the removed receipts; nothing else is left out.

    Readers ignore the late events of an earlier timeline.
    """
    highest: dict[int, int] = {}
    for timeline, sequence in first:
        if timeline < max(highest, default=0):
            continue
        begins = timeline > 1 and timeline not in highest and sequence <= state.owner.removed_up_to + 1
        if sequence != highest.get(timeline, 0) + 1 and not begins:
            return f"a gap in the log: {told(state.log)}"
        highest[timeline] = sequence
    return None


def published_too_often(state: State, setting: Setting) -> str | None:
    """Each instance may publish an event again after each fault, and no more often."""
    often = setting.instances * (setting.faults + 1) + 1
    again = next((event for event in set(state.log) if state.log.count(event) > often), None)
    return f"{again} published again and again: {told(state.log)}" if again else None


def unpublished(state: State) -> str | None:
    (timeline, sequence, *_), log = state.owner.published, set(state.log)
    if not {(event.sequence, event.cause) for event in state.owner.removed} <= {
        (event.sequence, event.cause) for event in log
    }:
        return f"removed {told(state.owner.removed)}, but the log holds {told(state.log)}"
    due = (each for each in state.owner.journal if each.timeline == timeline and each.sequence <= sequence)
    return None if log.issuperset(due) else f"published up to {sequence}, but the log holds {told(state.log)}"


def false_alarm(state: State) -> str | None:
    closed = any(instance.relay.stage == "ahead" for instance in state.instances)
    return (
        "the lane closed though no database was restored" if closed and not is_ahead(state.owner, state.log) else None
    )


def at_rest(state: State, setting: Setting) -> str | None:
    """Without further steps, everything is decided and published, and every replica equals the owner."""
    owner = state.owner
    journal = tuple(event for event in owner.journal if event.timeline == owner.timeline)
    if not owner.is_open:
        return "at rest with a closed lane"
    return unanswered(state, setting) or undecided(owner, owner.decided) or behind(state, setting, journal)


def unanswered(state: State, setting: Setting) -> str | None:
    """Ingress records are decided; HTTP submissions are answered, even after a restore without the answer."""
    answered = set(state.owner.answered)
    missing = {record.cause for log in state.ingress for record in log} - answered
    missing |= set(setting.http) - answered - set(state.heard)
    return f"at rest without an answer to {', '.join(sorted(missing))}" if missing else None


def undecided(owner: Owner, decided: Events) -> str | None:
    if {event.cause for event in decided} == set(owner.answered):
        return None
    return f"at rest with answers to {', '.join(owner.answered) or 'nothing'}, and {told(decided)} decided"


def behind(state: State, setting: Setting, journal: Events) -> str | None:
    if not setting.publishes:
        return None
    if not set(journal) <= set(state.log):
        return f"at rest with {told(state.log)} in the log, of {told(journal)}"
    for at, replica in enumerate(state.replicas):
        if replica.applied != journal:
            return f"at rest with {told(replica.applied)} in replica {at}, of {told(journal)}"
    return None


def told(events: object) -> str:
    if isinstance(events, tuple) and not isinstance(events, Event):
        inner = ", ".join(told(each) for each in events)
        return f"[{inner}]"
    if isinstance(events, (set, list)):
        return told(tuple(sorted(events)))
    return str(events)
