"""The submissions in the ingress of organisations, and reading by instances. Ingress records have no sequence."""

from collections.abc import Iterator

from tests.model.rules import Broken
from tests.model.state import Batch, IngressOffset, Instance, Record, Setting, State, Step, put

BATCHES_MAX = 2
"""A batch is decided while the next is decoded."""


def ingress_steps(state: State, setting: Setting) -> Iterator[Step]:
    for ingress, script in enumerate(setting.ingress):
        if (at := state.sent[ingress]) < len(script):
            sent = append(state, ingress, Record(script[at], at + 1))
            yield ("organisation {} sends {} into its ingress", ingress, script[at]), sent
        for index, instance in enumerate(state.instances):
            reads = instance.reads[ingress]
            if reads is None:
                yield resolve_offset(state, setting, ingress, index)
            elif reads.next_offset > len(state.ingress[ingress]):
                beyond = with_instance(state, index, instance._replace(reads=put(instance.reads, ingress, None)))
                yield ("instance {} is told that there is no offset {}", index, reads.next_offset), beyond
            elif len(instance.batches) < BATCHES_MAX:
                yield from read_steps(state, setting, ingress, index)


def append(state: State, ingress: int, record: Record) -> State:
    log = (*state.ingress[ingress], record)
    sent = put(state.sent, ingress, state.sent[ingress] + 1)
    return state._replace(ingress=put(state.ingress, ingress, log), sent=sent)


def resolve_offset(state: State, setting: Setting, ingress: int, index: int) -> Step:
    """Read on from the stored offset if the log is the same; otherwise from the start."""
    stands, log = state.owner.ingress_offsets[ingress], state.ingress[ingress]
    cut_back = len(log) < stands.next_offset
    another = (
        not cut_back and stands.next_offset > 0 and log[stands.next_offset - 1].appended_at != stands.appended_at
    )
    if setting.broken is Broken.APPEND_TIME:
        another = False
    if setting.broken is Broken.NO_SKIPPING or not (cut_back or another):
        opened = reading_from(state, ingress, index, stands)
        return ("instance {} reads the ingress of {} on from {}", index, ingress, stands.next_offset), opened
    offsets = put(state.owner.ingress_offsets, ingress, IngressOffset())
    returned = state._replace(owner=state.owner._replace(ingress_offsets=offsets))
    return ("instance {} finds another log in {}: from its start", index, ingress), reading_from(
        returned, ingress, index, IngressOffset()
    )


def reading_from(state: State, ingress: int, index: int, place: IngressOffset) -> State:
    instance = state.instances[index]
    return with_instance(state, index, instance._replace(reads=put(instance.reads, ingress, place)))


def read_steps(state: State, setting: Setting, ingress: int, index: int) -> Iterator[Step]:
    instance, log = state.instances[index], state.ingress[ingress]
    start = instance.reads[ingress] or IngressOffset()
    first = start.next_offset
    for end in range(first + 1, min(len(log), first + setting.batch_max) + 1):
        batch = Batch(ingress, start, log[first:end])
        taken = instance._replace(reads=put(instance.reads, ingress, batch.end), batches=(*instance.batches, batch))
        yield ("instance {} reads {} at offset {}", index, batch.records, first), with_instance(state, index, taken)


def with_instance(state: State, index: int, instance: Instance) -> State:
    return state._replace(instances=put(state.instances, index, instance))
