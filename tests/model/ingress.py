"""The submissions in the ingress of organisations, and reading by instances. Ingress records have no sequence."""

from collections.abc import Iterator

from tests.model.rules import Broken
from tests.model.state import Batch, Door, Instance, Record, Setting, State, Step, put

BATCHES_MAX = 2
"""A batch is decided while the next is decoded."""


def ingress_steps(state: State, setting: Setting) -> Iterator[Step]:
    for door, script in enumerate(setting.ingress):
        if (at := state.sent[door]) < len(script):
            sent = append(state, door, Record(script[at], at + 1))
            yield ("organisation {} sends {} into its ingress", door, script[at]), sent
        for index, instance in enumerate(state.instances):
            reads = instance.reads[door]
            if reads is None:
                yield open_door(state, setting, door, index)
            elif reads.next_offset > len(state.ingress[door]):
                beyond = with_instance(state, index, instance._replace(reads=put(instance.reads, door, None)))
                yield ("instance {} is told that there is no offset {}", index, reads.next_offset), beyond
            elif len(instance.batches) < BATCHES_MAX:
                yield from read_steps(state, setting, door, index)


def append(state: State, door: int, record: Record) -> State:
    log = (*state.ingress[door], record)
    sent = put(state.sent, door, state.sent[door] + 1)
    return state._replace(ingress=put(state.ingress, door, log), sent=sent)


def open_door(state: State, setting: Setting, door: int, index: int) -> Step:
    """Read on from the stored offset if the log is the same; otherwise from the start."""
    stands, log = state.owner.doors[door], state.ingress[door]
    cut_back = len(log) < stands.next_offset
    another = (
        not cut_back and stands.next_offset > 0 and log[stands.next_offset - 1].appended_at != stands.appended_at
    )
    if setting.broken is Broken.APPEND_TIME:
        another = False
    if setting.broken is Broken.NO_SKIPPING or not (cut_back or another):
        opened = reading_from(state, door, index, stands)
        return ("instance {} reads the ingress of {} on from {}", index, door, stands.next_offset), opened
    doors = put(state.owner.doors, door, Door())
    returned = state._replace(owner=state.owner._replace(doors=doors))
    return ("instance {} finds another log in {}: from its start", index, door), reading_from(
        returned, door, index, Door()
    )


def reading_from(state: State, door: int, index: int, place: Door) -> State:
    instance = state.instances[index]
    return with_instance(state, index, instance._replace(reads=put(instance.reads, door, place)))


def read_steps(state: State, setting: Setting, door: int, index: int) -> Iterator[Step]:
    instance, log = state.instances[index], state.ingress[door]
    start = instance.reads[door] or Door()
    first = start.next_offset
    for end in range(first + 1, min(len(log), first + setting.batch_max) + 1):
        batch = Batch(door, start, log[first:end])
        taken = instance._replace(reads=put(instance.reads, door, batch.end), batches=(*instance.batches, batch))
        yield ("instance {} reads {} at offset {}", index, batch.records, first), with_instance(state, index, taken)


def with_instance(state: State, index: int, instance: Instance) -> State:
    return state._replace(instances=put(state.instances, index, instance))
