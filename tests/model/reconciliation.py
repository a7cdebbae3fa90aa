"""Comparing the lane with Kafka: Kafka first, then the journal; and only then the lane opens."""

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

from samenspel.messaging.outbox.reconciliation import DatabaseBehindLog, LogTail

from tests.model.rules import Broken
from tests.model.state import Event, Events, Owner, Published, Relay, Setting

Comparing = tuple[str, Relay, Owner]


def comparing(relay: Relay, owner: Owner, log: Events, expired: int, setting: Setting) -> Iterator[Comparing]:
    """The next step of a reconciliation, with the effect on relay and owner."""
    match relay.stage:
        case "idle":
            head = owner.head if setting.broken is Broken.KAFKA_FIRST else -1
            removed = 0 if setting.broken is Broken.FROM_THE_REMOVED else owner.removed_up_to
            looked = Relay("standing", was=owner.published, life=owner.incarnation, head=head, removed=removed)
            yield "looks how far it is published", looked, owner
        case "standing":
            read = kafka_read(relay, log, expired, setting)
            yield "reads Kafka", read, owner._replace(compared=0) if read.stage == "ahead" else owner
        case "kafka-read":
            yield compared(relay, owner, setting)
        case "matched":
            yield "opens the lane", Relay(compared=True), owner._replace(compared=relay.life)
        case "ahead" if not is_ahead(owner, log):
            yield "looks again", Relay(), owner


def kafka_read(relay: Relay, log: Events, expired: int, setting: Setting) -> Relay:
    believed = setting.broken is Broken.ANOTHER_RECORD
    try:
        tail, found = kafka_tail(log, expired, relay.was, relay.removed, believed=believed)
    except DatabaseBehindLog:
        return Relay("ahead")
    shorter = tail.contiguous < relay.was.sequence and setting.broken is not Broken.CUTS
    becomes = Published(relay.was.timeline, max(0, tail.contiguous), tail.next_offset, relay.was.cuts + shorter)
    return relay._replace(stage="kafka-read", becomes=becomes, found=found)


@cache
def kafka_tail(
    log: Events, expired: int, was: Published, removed: int, *, believed: bool = False
) -> tuple[LogTail, Events]:
    """The product's view of the log after ``was``; or of the whole log, if another record is at this offset."""
    if believed or is_there(log, expired, was) or is_expired(expired, was):
        tail = LogTail(was.sequence, max(was.next_offset, expired))
    else:
        tail = LogTail(-1 if expired else removed, expired)
    found: dict[int, Event] = {}
    for offset in range(tail.next_offset, len(log)):
        event = log[offset]
        headers = [("ce_sequence", b"%d" % event.sequence), ("ce_timeline", b"%d" % event.timeline)]
        tail.add(SimpleNamespace(headers=headers, offset=offset, value=b""), was.timeline)
        if event.timeline == was.timeline:
            found.setdefault(event.sequence, event)
    return tail, tuple(found.values())


def is_there(log: Events, expired: int, was: Published) -> bool:
    """Whether the event published last is still at the offset."""
    if was.next_offset == 0:
        return was.sequence == 0
    if not expired < was.next_offset <= len(log):
        return False
    there = log[was.next_offset - 1]
    return (there.timeline, there.sequence) == (was.timeline, was.sequence)


def is_expired(expired: int, was: Published) -> bool:
    """Whether Kafka has deleted the event published last, because the event was old."""
    return 0 < was.next_offset <= expired


def compared(relay: Relay, owner: Owner, setting: Setting) -> Comparing:
    """Then the journal; and published by compare-and-set. Receipts that the retention removed are not compared."""
    head = owner.head if relay.head < 0 else relay.head
    removed = 0 if setting.broken is Broken.COMPARE_REMOVED else owner.removed_up_to
    missing = {event for event in relay.found if event not in owner.journal and event.sequence > removed}
    if missing or any(event.sequence > head for event in relay.found):
        return "finds Kafka ahead", Relay("ahead"), owner._replace(compared=0)
    published = relay.becomes if owner.published == relay.was else owner.published
    return "has compared with the journal", relay._replace(stage="matched"), owner._replace(published=published)


def is_ahead(owner: Owner, log: Events) -> bool:
    """Whether Kafka holds events unknown to the journal."""
    known = set(owner.decided)
    return any(event not in known and event.timeline >= owner.timeline for event in log)
