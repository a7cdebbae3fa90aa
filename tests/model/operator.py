"""The operator's steps: back up, restore, recover, republish, start a new timeline."""

from collections.abc import Iterator

from tests.model.reconciliation import is_ahead
from tests.model.rules import Broken
from tests.model.state import (
    Event,
    Events,
    Fault,
    Instance,
    Owner,
    Place,
    Published,
    Replica,
    Setting,
    State,
    Step,
    put,
)


def operator_steps(state: State, setting: Setting) -> Iterator[Step]:
    """Steps without fault cost: a backup at any time; recovery, once all relays have found Kafka ahead."""
    if Fault.RESTORE in setting.may and state.backup is None:
        yield ("the operator backs up {}", state.owner.journal), state._replace(backup=state.owner)
    owner = state.owner
    if owner.is_open or state.transactions or not all(each.relay.stage == "ahead" for each in state.instances):
        return
    if (missing := recoverable(owner, state.log)) and is_ahead(owner, state.log):
        yield ("the operator recovers {}", missing), state._replace(owner=recovered(owner, missing, setting))
    elif Fault.RENEW in setting.may:
        yield ("the operator starts a new timeline",), state._replace(owner=renewed(owner, state.log))


def recoverable(owner: Owner, log: Events) -> Events:
    """The events after the journal without a gap in Kafka; nothing if Kafka has other events there."""
    known, found = set(owner.decided), list[Event]()
    for event in log:
        if event.timeline != owner.timeline or event in known:
            continue
        if event.sequence <= owner.head:
            return ()
        if event.sequence == owner.head + len(found) + 1:
            found.append(event)
    return tuple(found)


def recovered(owner: Owner, missing: Events, setting: Setting) -> Owner:
    """The tail back into the journal byte for byte, and folded into the state."""
    journal: Events = tuple(sorted((*owner.journal, *missing)))
    answered = tuple(sorted({*owner.answered, *(event.cause for event in missing)}))
    if setting.broken is Broken.FOLD_IN:
        answered = owner.answered
    return owner._replace(journal=journal, answered=answered)


def renewed(owner: Owner, log: Events) -> Owner:
    """The journal once more, event for event, on the next timeline."""
    timeline = max(owner.timeline, log[-1].timeline if log else 0) + 1
    again = tuple(event._replace(timeline=timeline) for event in owner.journal if event.timeline == owner.timeline)
    journal: Events = tuple(sorted((*owner.journal, *again)))
    published = Published(timeline, 0, len(log))
    return owner._replace(timeline=timeline, journal=journal, published=published, compared=0)


def operator_faults(state: State, setting: Setting) -> Iterator[Step]:
    """Steps with a cost in the fault budget."""
    may, owner = setting.may, state.owner
    if Fault.RESTORE in may and state.backup is not None:
        yield ("the owner's database is restored to {}", state.backup.journal), restored(state, setting)
    if Fault.RENEW in may and not state.transactions and owner.head:
        yield ("the operator starts a new timeline",), state._replace(owner=renewed(owner, state.log))
    if Fault.REPUBLISH in may:
        for sequence in range(owner.published.sequence):
            lowered = owner._replace(published=owner.published._replace(sequence=sequence))
            yield ("the operator lowers published to {}", sequence), state._replace(owner=lowered)
    if Fault.REPLICA in may:
        for at, replica in enumerate(state.replicas):
            for sequence in range(len(replica.applied)):
                older = put(state.replicas, at, replica_restored(replica, sequence, setting))
                yield ("replica {} is restored to {}", at, replica.applied[:sequence]), state._replace(replicas=older)


def restored(state: State, setting: Setting) -> State:
    """Every instance is stopped first; sent requests have arrived by then, or never will."""
    assert state.backup is not None
    owner = state.backup._replace(incarnation=state.owner.incarnation + 1)
    if setting.broken is Broken.INCARNATION:
        owner = owner._replace(compared=owner.incarnation)
    after = state._replace(owner=owner, transactions=())
    if setting.broken is Broken.STOPPED:
        return after
    stopped = tuple(Instance(reads=(None,) * len(each.reads)) for each in state.instances)
    return after._replace(instances=stopped, wire=())


def replica_restored(replica: Replica, sequence: int, setting: Setting) -> Replica:
    """The readers notice another incarnation of the database, and resolve the position again."""
    last = replica.offsets[sequence - 1] if sequence else -1
    position = Place(replica.position.timeline, sequence, last)
    readers = replica.readers
    if setting.broken is not Broken.OWN_PLACE:
        readers = tuple(reader._replace(offset=last + 1, in_gap=False) for reader in readers)
    applied, offsets = replica.applied[:sequence], replica.offsets[:sequence]
    return Replica(position, applied, offsets, readers)
