"""The scenarios of the law, and for every rule the scenario with a detectable absence."""

from typing import Final

from tests.model.rules import Broken
from tests.model.state import Fault, Setting

A, B, C = "0/a", "0/b", "0/c"
THEIRS = "1/a"
"""Another organisation's submission, under the same id."""


def may(*faults: Fault) -> frozenset[Fault]:
    return frozenset(faults)


SENDING = may(Fault.INSTANCE, Fault.REFUSED)
READING = may(Fault.READER, Fault.MISSED, Fault.REPLICA, Fault.REPUBLISH)
INGRESS = may(Fault.INGRESS, Fault.INSTANCE)
EXPIRING = may(Fault.RETENTION, Fault.EXPIRY, Fault.INSTANCE)
RENEWING = may(Fault.RENEW, Fault.RESTORE, Fault.INSTANCE)

SMALL: Final[dict[str, Setting]] = {
    "one relay, a replica with a zombie": Setting((A, B), instances=1, readers=(2,), faults=1, may=READING | SENDING),
    "a lane is cut back": Setting((A, B), instances=1, faults=2, may=may(Fault.LOG, Fault.INSTANCE)),
    "a new timeline, two replicas": Setting((A, B), instances=1, readers=(1, 1), faults=1, may=may(Fault.RENEW)),
    "two organisations, two entry points": Setting((A,), ((A, B), (THEIRS,)), instances=1, readers=(), may=INGRESS),
    "receipts that expire": Setting((A, B), instances=1, readers=(), faults=3, may=EXPIRING, receipts=True),
    "restored, one instance": Setting((B,), ((A,),), instances=1, faults=1, may=may(Fault.RESTORE, Fault.ANSWER)),
}
NEAREST = 250_000
LARGE: Final[dict[str, Setting]] = {
    "two relays, one fault": Setting((A, B), faults=1, may=SENDING),
    "two relays, two faults": Setting((A, B), faults=2, may=SENDING, states_max=NEAREST),
    "two relays, three events": Setting((A, B, C), faults=0, states_max=NEAREST),
    "PostgreSQL is killed, published lowered": Setting(
        (A, B), faults=1, may=may(Fault.RESTART, Fault.REPUBLISH, Fault.ANSWER)
    ),
    "two relays, a lane cut back": Setting((A, B), faults=1, may=may(Fault.LOG), states_max=NEAREST),
    "three events, two readers, two faults": Setting(
        (A, B, C), instances=1, readers=(2,), faults=2, may=READING, states_max=NEAREST
    ),
    "two instances read an ingress": Setting((), ((A, B, A),), readers=(), faults=1, may=INGRESS),
    "two instances, two ingresses, HTTP": Setting(
        (A,), ((A, A), (THEIRS,)), readers=(), faults=1, may=INGRESS, batch_max=1, states_max=NEAREST
    ),
    "restored, two relays": Setting((A, B), faults=1, may=may(Fault.RESTORE)),
    "restored, ingress and HTTP, two faults": Setting(
        (B,), ((A,),), instances=1, faults=2, may=may(Fault.RESTORE, Fault.INSTANCE, Fault.ANSWER), batch_max=1
    ),
    "receipts, two relays, a lane cut back": Setting(
        (A, B),
        readers=(),
        faults=3,
        may=may(Fault.RETENTION, Fault.EXPIRY, Fault.LOG),
        receipts=True,
        states_max=NEAREST,
    ),
    "receipts, restored": Setting(
        (A, B), readers=(), faults=2, may=may(Fault.RETENTION, Fault.RESTORE, Fault.ANSWER), receipts=True
    ),
    "receipts, a new timeline": Setting(
        (A, B), readers=(), faults=3, may=may(Fault.RETENTION, Fault.RENEW), receipts=True, states_max=NEAREST
    ),
    "restored and a new timeline, two replicas": Setting(
        (A, B), instances=1, readers=(1, 1), faults=2, may=RENEWING, states_max=NEAREST
    ),
}

TWO_RELAYS = Setting((A, B), faults=2, may=SENDING)
CUT_BACK = Setting((A, B), faults=1, may=may(Fault.LOG))
CUT_BACK_ALONE = SMALL["a lane is cut back"]
TWO_READERS = Setting((A, B), instances=1, readers=(2,), faults=2, may=READING)
RESTORED = Setting((A, B), instances=1, faults=1, may=may(Fault.RESTORE))
RENEWED = Setting((A, B), instances=1, readers=(1, 1), faults=1, may=may(Fault.RENEW))
RECEIPTS = SMALL["receipts that expire"]
RECEIPTS_CUT_BACK = RECEIPTS._replace(faults=2, may=may(Fault.RETENTION, Fault.LOG))
ONE_INGRESS = Setting((), ((A, B, A),), instances=1, readers=(), faults=1, may=INGRESS)

HARM: Final[dict[Broken, tuple[Setting, str]]] = {
    Broken.LANE_LOCK: (TWO_RELAYS, "was decided on the state after"),
    Broken.STATE_AFTER_LOCK: (TWO_RELAYS, "was decided on the state after"),
    Broken.JOURNAL_COMMITTED: (TWO_RELAYS, "never committed"),
    Broken.PUBLISHED_AFTER_ACK: (TWO_RELAYS, "published up to 1, but the log holds []"),
    Broken.ONE_REQUEST: (TWO_RELAYS, "a gap in the log"),
    Broken.PREFIX: (TWO_RELAYS, "a gap in the log"),
    Broken.WHOLE_SET: (Setting((A, B), faults=1, may=may(Fault.RENEW)), "at rest"),
    Broken.KAFKA_FIRST: (TWO_RELAYS, "the lane closed though no database was restored"),
    Broken.OPENED_AFTER: (RESTORED, "at rest with a closed lane"),
    Broken.INCARNATION: (RESTORED, "at rest with [1(0/a)] in replica 0, of []"),
    Broken.STOPPED: (RESTORED, "published up to 1, but the log holds"),
    Broken.FOLD_IN: (SMALL["restored, one instance"], "decided twice"),
    Broken.ANOTHER_RECORD: (CUT_BACK_ALONE, "at rest"),
    Broken.CUTS: (CUT_BACK, "at rest"),
    Broken.LAST_THERE: (CUT_BACK, "at rest"),
    Broken.LOOK: (CUT_BACK_ALONE, "at rest"),
    Broken.OFFSET_EXPECTED: (CUT_BACK, "at rest"),
    Broken.FROM_THE_START: (CUT_BACK, "at rest"),
    Broken.OPENED_AGAIN: (ONE_INGRESS, "at rest without"),
    Broken.ONE_TRANSACTION: (TWO_READERS, "applied twice"),
    Broken.LOCKED_POSITION: (TWO_READERS, "applied twice"),
    Broken.NO_GAPS: (TWO_READERS, "not applied in order, or with a gap"),
    Broken.NO_EQUALS: (TWO_READERS, "applied twice"),
    Broken.READ_ON: (TWO_READERS, "at rest"),
    Broken.TIMELINE: (RENEWED, "two timelines"),
    Broken.OWN_PLACE: (TWO_READERS, "at rest"),
    Broken.REPEATS: (ONE_INGRESS, "decided twice"),
    Broken.PER_ORGANISATION: (SMALL["two organisations, two entry points"], "at rest without"),
    Broken.FENCE: (ONE_INGRESS, "at rest without"),
    Broken.BATCH_BEFORE: (ONE_INGRESS, "at rest without"),
    Broken.NO_SKIPPING: (ONE_INGRESS, "at rest without"),
    Broken.RETAIN_UNPUBLISHED: (RECEIPTS, "removed [1(0/a)], but the log holds []"),
    Broken.COMPARE_REMOVED: (RECEIPTS, "the lane closed though no database was restored"),
    Broken.FROM_THE_REMOVED: (RECEIPTS_CUT_BACK, "published again and again"),
    Broken.HEAD_OF_JOURNAL: (RECEIPTS, "published up to 1, but the log holds"),
    Broken.EXPIRED: (RECEIPTS, "cannot come to rest"),
    Broken.APPEND_TIME: (ONE_INGRESS, "at rest without"),
}
"""The smallest scenario with harm from each rule's absence, and the harm."""
