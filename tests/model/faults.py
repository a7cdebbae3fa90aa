"""The possible faults. A fault may happen between any two steps."""

from collections.abc import Iterator

from tests.model.operator import operator_faults
from tests.model.reader import open_lane
from tests.model.reconciliation import is_there
from tests.model.relay import with_relay
from tests.model.rules import Broken
from tests.model.state import Events, Fault, Instance, Reader, Relay, Replica, Setting, State, Step, put


def late_requests(state: State) -> Iterator[Step]:
    """Requests of a dead or impatient relay arrive at any time, or never."""
    for each in sorted(set(state.wire)):
        at = state.wire.index(each)
        gone = state._replace(wire=state.wire[:at] + state.wire[at + 1 :])
        yield ("a late request lands: {}", each), gone._replace(log=state.log + each)
        yield ("a late request is lost: {}", each), gone


def faults(state: State, setting: Setting) -> Iterator[Step]:
    """All faults possible now; each costs a unit of the fault budget."""
    after, may = state._replace(faults=state.faults - 1), setting.may
    yield from operator_faults(after, setting)
    for index, instance in enumerate(state.instances):
        if Fault.INSTANCE in may:
            yield ("instance {} dies", index), died(after, index)
        if Fault.REFUSED in may and instance.relay.stage == "sent":
            yield from refused(after, index, setting)
    if Fault.ANSWER in may:
        yield from unheard(after)
    if Fault.RESTART in may:
        yield from restarts(after)
    if Fault.RETENTION in may:
        yield from retention(after, setting)
    yield from reader_faults(after, setting)
    yield from broker_faults(after, setting)


def died(state: State, index: int) -> State:
    """Open transactions roll back; requests on the wire may still arrive, or not."""
    instance = state.instances[index]
    wire = tuple(sorted((*state.wire, instance.relay.batch))) if instance.relay.stage == "sent" else state.wire
    transactions = tuple(each for each in state.transactions if each.instance != index)
    fresh = Instance(reads=(None,) * len(instance.reads))
    return state._replace(wire=wire, transactions=transactions, instances=put(state.instances, index, fresh))


def refused(state: State, index: int, setting: Setting) -> Iterator[Step]:
    batch = state.instances[index].relay.batch
    yield ("Kafka refuses {} of relay {}", batch, index), with_relay(state, index, Relay())
    if setting.broken is Broken.ONE_REQUEST and len(batch) > 1:
        rest = with_relay(state._replace(log=state.log + batch[1:]), index, Relay())
        yield ("of {}, split by relay {}, all but the first land", batch, index), rest


def unheard(state: State) -> Iterator[Step]:
    for cause in state.heard:
        heard = tuple(each for each in state.heard if each != cause)
        yield ("the answer to {} was lost", cause), state._replace(heard=heard)


def restarts(state: State) -> Iterator[Step]:
    """Open transactions are gone, unsynced progress is lost, and no lane is reconciled."""
    owner = state.owner._replace(incarnation=state.owner.incarnation + 1)
    instances = tuple(
        each._replace(batches=(), reads=(None,) * len(each.reads)) if each.batches else each
        for each in state.instances
    )
    killed = state._replace(transactions=(), instances=instances)
    yield ("PostgreSQL is killed and started again",), killed._replace(owner=owner)
    for sequence in range(owner.published.sequence):
        offset = next((at + 1 for at, event in enumerate(state.log) if event.sequence == sequence), 0)
        published = owner.published._replace(sequence=sequence, next_offset=offset)
        lost = killed._replace(owner=owner._replace(published=published))
        yield ("PostgreSQL is killed, and forgets that more than {} was published", sequence), lost


def retention(state: State, setting: Setting) -> Iterator[Step]:
    """The oldest receipt of the journal, if it is published and the lane is reconciled; with its older copies."""
    owner, published = state.owner, state.owner.published
    oldest = next((event for event in owner.journal if event.timeline == owner.timeline), None)
    if oldest is None or not owner.is_open:
        return
    is_published = published.timeline == owner.timeline and oldest.sequence <= published.sequence
    if is_published or setting.broken is Broken.RETAIN_UNPUBLISHED:
        yield ("the retention removes {}", oldest), with_removed(state, oldest.sequence)


def with_removed(state: State, sequence: int) -> State:
    owner = state.owner
    old = tuple(event for event in owner.journal if event.sequence == sequence)
    journal = tuple(event for event in owner.journal if event.sequence != sequence)
    removed = tuple(sorted((*owner.removed, *old)))
    return state._replace(owner=owner._replace(journal=journal, removed=removed))


def reader_faults(state: State, setting: Setting) -> Iterator[Step]:
    for at, replica in enumerate(state.replicas):
        for index, reader in enumerate(replica.readers):
            if Fault.READER in setting.may:
                for offset in {0, open_lane(replica, state.log)}:
                    words = ("reader {} of replica {} dies; another reads on from {}", index, at, offset)
                    yield words, with_replica_reader(state, at, replica, index, Reader(offset))
            if Fault.MISSED in setting.may and is_followed(state, reader.offset):
                missed = reader._replace(offset=reader.offset + 1)
                yield (
                    ("reader {} of replica {} misses offset {}", index, at, reader.offset),
                    with_replica_reader(state, at, replica, index, missed),
                )


def is_followed(state: State, offset: int) -> bool:
    """A lost last event stays unnoticed: until the next event the replica is behind, not wrong."""
    return any(event.sequence > state.log[offset].sequence for event in state.log[offset + 1 :])


def with_replica_reader(state: State, at: int, replica: Replica, index: int, reader: Reader) -> State:
    return state._replace(
        replicas=put(state.replicas, at, replica._replace(readers=put(replica.readers, index, reader)))
    )


def broker_faults(state: State, setting: Setting) -> Iterator[Step]:
    if Fault.LOG in setting.may:
        for end in (0, *range(state.expired + 1, len(state.log))):
            yield ("Kafka loses what is behind offset {} of the lane", end), lane_cut_back(state, end, setting)
    if Fault.EXPIRY in setting.may:
        yield from expiry(state)
    if Fault.INGRESS in setting.may:
        for ingress, log in enumerate(state.ingress):
            for end in range(len(log)):
                cut = ingress_cut_back(state, ingress, end, setting)
                yield ("Kafka loses what is behind offset {} of the ingress of {}", end, ingress), cut


def expiry(state: State) -> Iterator[Step]:
    """A loss is noticed long before the retention of the topic is over, so Kafka deletes nothing in between."""
    published = state.owner.published
    if published.next_offset and is_there(state.log, state.expired, published):
        yield ("Kafka deletes {}, which is old", state.log[state.expired]), state._replace(expired=state.expired + 1)


def lane_cut_back(state: State, end: int, setting: Setting) -> State:
    """Connections end with the truncation: requests of a dead relay are lost; live relays may send again."""
    cut = state._replace(log=state.log[:end], expired=min(state.expired, end), wire=())
    if setting.broken is Broken.OPENED_AGAIN:
        return cut
    return cut._replace(replicas=tuple(opened_again(replica, cut.log) for replica in cut.replicas))


def opened_again(replica: Replica, log: Events) -> Replica:
    return replica._replace(readers=tuple(Reader(open_lane(replica, log)) for _ in replica.readers))


def ingress_cut_back(state: State, ingress: int, end: int, setting: Setting) -> State:
    """Every reader resolves the offset again; earlier reads may still be decided."""
    cut = state._replace(ingress=put(state.ingress, ingress, state.ingress[ingress][:end]))
    if setting.broken is Broken.OPENED_AGAIN:
        return cut
    return cut._replace(
        instances=tuple(each._replace(reads=put(each.reads, ingress, None)) for each in cut.instances)
    )
