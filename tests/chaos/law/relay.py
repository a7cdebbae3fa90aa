"""What a relay may do on one lane: compare with Kafka, claim, send a batch, move ``published``. No lease stops it."""

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

from samenspel.messaging.comparison import Tail

from tests.chaos.law.world import TIMELINE, Broken, Events, Lane, LaneStep, Published, Relay, put


def relay_steps(lane: Lane, index: int, uncommitted: Events, broken: Broken | None) -> Iterator[LaneStep]:
    relay, who = lane.relays[index], f"relay {index}"
    match relay.stage:
        case "idle" if not relay.compared:
            head = lane.head if broken is Broken.KAFKA_FIRST else None
            looked = Relay("standing", was=lane.published, head=head)
            yield f"{who} looks how far it is published", with_relay(lane, index, looked)
        case "idle" if max((lane.head, *uncommitted)) > lane.published.sequence:
            claimed = Relay("claimed", compared=True, was=lane.published)
            yield f"{who} claims the lane behind {lane.published.sequence}", with_relay(lane, index, claimed)
        case "standing" | "kafka-read":
            yield compare(lane, index)
        case "claimed":
            for batch in batches(lane, index, uncommitted, broken):
                yield f"{who} sends {batch}", send(lane, index, batch, broken)
        case "sent":
            becomes = Published(relay.batch[-1], len(lane.log) + len(relay.batch))
            answered = relay._replace(stage="acknowledged", becomes=becomes)
            landed = lane._replace(log=lane.log + relay.batch)
            yield f"{relay.batch} of {who} lands, acknowledged", with_relay(landed, index, answered)
        case "acknowledged":
            yield f"{who} moves published", move_published(lane, index)


def with_relay(lane: Lane, index: int, relay: Relay) -> Lane:
    return lane._replace(relays=put(lane.relays, index, relay))


def compare(lane: Lane, index: int) -> LaneStep:
    """Kafka first; then the journal, and published by compare-and-set."""
    relay = lane.relays[index]
    if relay.stage == "standing":
        tail = kafka_tail(lane.log, relay.was)
        becomes = Published(max(0, tail.contiguous), tail.next_offset)
        read = relay._replace(stage="kafka-read", becomes=becomes, highest=tail.highest)
        return f"relay {index} reads Kafka", with_relay(lane, index, read)
    if relay.highest > (lane.head if relay.head is None else relay.head):
        return f"relay {index} finds Kafka ahead", with_relay(lane, index, Relay("ahead"))
    return f"relay {index} has compared with the journal", move_published(lane, index)


@cache
def kafka_tail(log: Events, was: Published) -> Tail:
    """What the product's comparison makes of the log behind ``was``; or of all of it, if another record is there."""
    known = 0 < was.next_offset <= len(log) and log[was.next_offset - 1] == was.sequence
    tail = Tail(was.sequence, was.next_offset) if known else Tail(0, 0)
    for offset in range(tail.next_offset, len(log)):
        headers = [("ce_sequence", b"%d" % log[offset]), ("ce_timeline", b"%d" % TIMELINE)]
        tail.take(SimpleNamespace(headers=headers, offset=offset), TIMELINE)
    return tail


def batches(lane: Lane, index: int, uncommitted: Events, broken: Broken | None) -> Iterator[Events]:
    """Every prefix of what is not published: how many records fit is not known."""
    taken = lane.relays[1 - index].batch if broken is Broken.PREFIX else ()
    behind = lane.relays[index].was.sequence
    waiting = tuple(each for each in (*lane.journal, *uncommitted) if each > behind and each not in taken)
    return (waiting[:size] for size in range(1, len(waiting) + 1))


def send(lane: Lane, index: int, batch: Events, broken: Broken | None) -> Lane:
    sent = lane.relays[index]._replace(stage="sent", batch=batch)
    if broken is Broken.ACKNOWLEDGED and lane.published == sent.was:
        lane = lane._replace(published=Published(batch[-1], len(lane.log) + len(batch)))
    return with_relay(lane, index, sent)


def move_published(lane: Lane, index: int) -> Lane:
    """By compare-and-set on all fields: whoever looked before another moved it moves nothing."""
    relay = lane.relays[index]
    published = relay.becomes if lane.published == relay.was else lane.published
    return with_relay(lane._replace(published=published), index, Relay(compared=True))
