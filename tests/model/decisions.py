"""The steps of a decision: a transaction locks the lane, reads, decides, and commits everything together."""

from collections.abc import Iterator

from tests.model.rules import Broken
from tests.model.state import Batch, Event, Events, IngressOffset, Owner, Setting, State, Step, Transaction, put


def decision_steps(state: State, setting: Setting) -> Iterator[Step]:
    yield from http_steps(state, setting)
    yield from batch_steps(state, setting)
    for each in state.transactions:
        others = tuple(other for other in state.transactions if other is not each)
        if not each.locked:
            if not any(other.locked for other in others):
                yield (
                    ("instance {} locks the lane", each.instance),
                    state._replace(transactions=(*others, late(state, each))),
                )
            continue
        committed = commit(state._replace(transactions=others), each)
        yield ("{} commits {}", name(each), each.events), committed
        yield ("{} rolls back", name(each)), rolled_back(state._replace(transactions=others), each, setting)


def name(transaction: Transaction) -> str:
    work = (
        "submission over HTTP" if transaction.batch is None else f"batch of organisation {transaction.batch.ingress}"
    )
    return f"instance {transaction.instance}'s {work}"


def http_steps(state: State, setting: Setting) -> Iterator[Step]:
    """Clients send until answered."""
    if not may_begin(state, setting):
        return
    for cause in setting.http:
        if cause in state.heard or is_open(state, cause):
            continue
        if is_known(state.owner, cause, setting):
            yield ("HTTP answers {}: repeated", cause), hear(state, (cause,))
            continue
        for instance in range(1 if setting.broken is None else setting.instances):
            begun = decided(state, setting, instance, (cause,), None)
            yield ("instance {} decides over HTTP {}: {}", instance, cause, begun.events), opened(state, begun)


def batch_steps(state: State, setting: Setting) -> Iterator[Step]:
    """The next undecided batch of each instance; a batch with another ingress offset is dropped, and read again."""
    for index, instance in enumerate(state.instances):
        if not instance.batches or any(each.instance == index and each.batch for each in state.transactions):
            continue
        batch = instance.batches[0]
        if is_fenced_off(state.owner.ingress_offsets[batch.ingress], batch, setting):
            yield ("instance {} finds {} read by another", index, batch.records), dropped(state, index, setting)
        elif may_begin(state, setting) and not any(
            each.batch and each.batch.ingress == batch.ingress for each in state.transactions
        ):
            causes = tuple(record.cause for record in batch.records)
            begun = decided(state, setting, index, causes, batch)
            yield ("instance {} decides {}: {}", index, batch.records, begun.events), opened(state, begun)


def is_fenced_off(stands: IngressOffset, batch: Batch, setting: Setting) -> bool:
    """Whether the stored ingress offset is no longer the offset that this batch was read from."""
    return stands.next_offset != batch.start.next_offset and setting.broken is not Broken.FENCE


def may_begin(state: State, setting: Setting) -> bool:
    if setting.broken is Broken.LANE_LOCK or setting.broken is Broken.STATE_AFTER_LOCK:
        return len(state.transactions) < 2
    return not state.transactions and (state.owner.is_open or setting.broken is Broken.OPENED_AFTER)


def is_open(state: State, cause: str) -> bool:
    return any(each.batch is None and each.events[0].cause == cause for each in state.transactions)


def is_known(owner: Owner, cause: str, setting: Setting) -> bool:
    match setting.broken:
        case Broken.REPEATS:
            return False
        case Broken.PER_ORGANISATION:
            return cause.partition("/")[2] in {each.partition("/")[2] for each in owner.answered}
        case _:
            return cause in owner.answered


def decided(
    state: State, setting: Setting, instance: int, causes: tuple[str, ...], batch: Batch | None
) -> Transaction:
    """The future commit of a transaction with the lane just locked, or wrongly not locked."""
    owner, events, answered = state.owner, list[Event](), list[str]()
    head = owner.head_in_journal if setting.broken is Broken.HEAD_OF_JOURNAL else owner.head
    drawn = max((event.sequence for each in state.transactions for event in each.events), default=0)
    for cause in causes:
        known = is_known(owner._replace(answered=(*owner.answered, *answered)), cause, setting)
        if not known:
            sequence = max(head, drawn) + len(events) + 1
            events.append(Event(owner.timeline, sequence, cause, owner.incarnation, head + len(events)))
            answered.append(cause)
    locked = setting.broken is not Broken.STATE_AFTER_LOCK
    return Transaction(instance, tuple(events), tuple(answered), batch, owner.head, locked)


def late(state: State, transaction: Transaction) -> Transaction:
    """Locked late: the sequence is the next, the state is the earlier read."""
    first = state.owner.head + 1
    events = tuple(event._replace(sequence=first + at) for at, event in enumerate(transaction.events))
    return transaction._replace(events=events, locked=True)


def opened(state: State, transaction: Transaction) -> State:
    return state._replace(transactions=(*state.transactions, transaction))


def commit(state: State, transaction: Transaction) -> State:
    """State, journal, first answers and ingress offset in a single commit."""
    owner, batch = state.owner, transaction.batch
    journal: Events = tuple(sorted((*owner.journal, *transaction.events)))
    answered = tuple(sorted({*owner.answered, *transaction.answered}))
    offsets = owner.ingress_offsets
    if batch is not None:
        offsets = put(offsets, batch.ingress, batch.end)
    state = state._replace(owner=owner._replace(journal=journal, answered=answered, ingress_offsets=offsets))
    if batch is None:
        return hear(state, tuple(event.cause for event in transaction.events))
    return settled(state, transaction.instance)


def hear(state: State, causes: tuple[str, ...]) -> State:
    return state._replace(heard=tuple(sorted({*state.heard, *causes})))


def rolled_back(state: State, transaction: Transaction, setting: Setting) -> State:
    return state if transaction.batch is None else dropped(state, transaction.instance, setting)


def settled(state: State, index: int) -> State:
    instance = state.instances[index]
    decided = instance._replace(batches=instance.batches[1:])
    return state._replace(instances=put(state.instances, index, decided))


def dropped(state: State, index: int, setting: Setting) -> State:
    """The batch and all later reads are dropped, and the partitions are read again from the stored offset."""
    instance = state.instances[index]
    left = instance.batches[1:] if setting.broken in (Broken.BATCH_BEFORE, Broken.FENCE) else ()
    reads = instance.reads
    for batch in instance.batches[: len(instance.batches) - len(left)]:
        reads = put(reads, batch.ingress, None)
    return state._replace(instances=put(state.instances, index, instance._replace(batches=left, reads=reads)))
