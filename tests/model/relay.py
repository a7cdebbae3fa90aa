"""The steps of a relay: reconcile, claim, send a batch, save progress. No lease stops a relay."""

from collections.abc import Iterator

from tests.model.reconciliation import comparing, is_expired, is_there
from tests.model.rules import Broken
from tests.model.state import Events, Owner, Published, Relay, Setting, State, Step, put


def relay_steps(state: State, setting: Setting) -> Iterator[Step]:
    for index, instance in enumerate(state.instances):
        relay, owner = instance.relay, state.owner
        if relay.stage in ("standing", "kafka-read", "matched", "ahead") or must_compare(state, relay, setting):
            for what, relay_after, owner_after in comparing(relay, owner, state.log, state.expired, setting):
                after = with_relay(state._replace(owner=owner_after), index, relay_after)
                yield (f"relay {{}} {what}", index), after
            continue
        match relay.stage:
            case "idle" if relay.compared and is_behind(state, setting):
                claimed = Relay("claimed", compared=True, was=owner.published)
                yield (
                    ("relay {} claims the lane behind {}", index, owner.published),
                    with_relay(state, index, claimed),
                )
            case "claimed":
                yield from sending(state, index, setting)
            case "sent":
                yield ("{} of relay {} land", relay.batch, index), land(state, index)
            case "acknowledged":
                yield ("relay {} moves published", index), move(state, index, setting)


def must_compare(state: State, relay: Relay, setting: Setting) -> bool:
    """Before the first send after a reconnect; and when idle, on noticing a loss."""
    if relay.stage != "idle":
        return False
    if not state.owner.is_open:
        return True
    if is_behind(state, setting):
        return not relay.compared
    if setting.broken is Broken.LOOK:
        return False
    if setting.broken is Broken.LAST_THERE:
        return len(state.log) < state.owner.published.next_offset
    if setting.broken is not Broken.EXPIRED and is_expired(state.expired, state.owner.published):
        return False
    return not is_there(state.log, state.expired, state.owner.published)


def is_behind(state: State, setting: Setting) -> bool:
    return bool(unpublished(state, state.owner.published, setting))


def unpublished(state: State, was: Published, setting: Setting) -> Events:
    """The relay's view of the journal: the committed rows of the timeline."""
    journal = state.owner.journal
    if setting.broken is Broken.JOURNAL_COMMITTED:
        journal = (*journal, *(event for each in state.transactions for event in each.events))
    return tuple(each for each in journal if each.timeline == was.timeline and each.sequence > was.sequence)


def with_relay(state: State, index: int, relay: Relay) -> State:
    instance = state.instances[index]._replace(relay=relay)
    return state._replace(instances=put(state.instances, index, instance))


def sending(state: State, index: int, setting: Setting) -> Iterator[Step]:
    """A batch of any size, as the limit is unknown. With nothing left to send, the relay checks again."""
    relay = state.instances[index].relay
    others = state.instances[1 - index].relay.batch if setting.broken is Broken.PREFIX else ()
    waiting = tuple(event for event in unpublished(state, relay.was, setting) if event not in others)
    if not waiting:
        yield ("relay {} finds nothing to send", index), with_relay(state, index, Relay(compared=True))
    for size in range(1, len(waiting) + 1):
        yield ("relay {} sends {}", index, waiting[:size]), send(state, index, waiting[:size], setting)


def send(state: State, index: int, batch: Events, setting: Setting) -> State:
    sent = state.instances[index].relay._replace(stage="sent", batch=batch)
    if setting.broken is Broken.PUBLISHED_AFTER_ACK and state.owner.published == sent.was:
        published = sent.was._replace(sequence=batch[-1].sequence, next_offset=len(state.log) + len(batch))
        state = state._replace(owner=state.owner._replace(published=published))
    return with_relay(state, index, sent)


def land(state: State, index: int) -> State:
    """Appended whole, and acknowledged with the offset."""
    relay = state.instances[index].relay
    end = len(state.log) + len(relay.batch)
    becomes = relay.was._replace(sequence=relay.batch[-1].sequence, next_offset=end)
    answered = relay._replace(stage="acknowledged", becomes=becomes)
    return with_relay(state._replace(log=state.log + relay.batch), index, answered)


def move(state: State, index: int, setting: Setting) -> State:
    """By compare-and-set on all fields. A batch at an unexpected offset saves nothing: reconcile again."""
    relay, owner = state.instances[index].relay, state.owner
    first = relay.becomes.next_offset - len(relay.batch)
    if first != relay.was.next_offset and setting.broken is not Broken.OFFSET_EXPECTED:
        return with_relay(state._replace(owner=doubted(owner, first, relay.was, setting)), index, Relay())
    matches = owner.published == relay.was or setting.broken is Broken.WHOLE_SET
    published = relay.becomes if matches else owner.published
    return with_relay(state._replace(owner=owner._replace(published=published)), index, Relay(compared=True))


def doubted(owner: Owner, first: int, was: Published, setting: Setting) -> Owner:
    """Below the expected offset the lane has changed: nothing is known to be published."""
    if first > was.next_offset or setting.broken is Broken.FROM_THE_START:
        return owner
    cuts = owner.published.cuts + (setting.broken is not Broken.CUTS)
    return owner._replace(published=Published(owner.timeline, cuts=cuts))
