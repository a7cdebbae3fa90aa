"""The rules of the law, one by one, as they are left out: each of these worlds must be found to do harm."""

from enum import StrEnum
from typing import Final


class Broken(StrEnum):
    """One rule left out; the check must be able to tell."""

    LANE_LOCK = "the number is drawn outside the lane lock"
    STATE_AFTER_LOCK = "the state is read before the lane lock"
    JOURNAL_COMMITTED = "the relay sends before the commit"
    PUBLISHED_AFTER_ACK = "published moves before the acknowledgement"
    ONE_REQUEST = "a refused batch is split into several requests"
    PREFIX = "relays divide the journal between them"
    WHOLE_SET = "published moves without compare-and-set"
    KAFKA_FIRST = "the comparison reads the journal before Kafka"
    DOORS_AFTER = "the doors open before the comparison"
    INCARNATION = "the incarnation is ignored"
    STOPPED = "instances run on while their database is restored"
    FOLD_IN = "recover does not fold the tail into the state"
    ANOTHER_RECORD = "the comparison believes the offset, whatever lies there"
    CUTS = "published does not count how often the lane was cut back"
    LOOK = "an idle relay does not look whether the lane still reaches as far"
    LAST_THERE = "an idle relay looks where the lane ends, not whether what it published last is there"
    OFFSET_EXPECTED = "a relay does not mind at which offset its batch was appended"
    FROM_THE_START = "a relay whose batch was appended too early compares, but keeps what was published"
    ONE_TRANSACTION = "the position moves in a second transaction"
    LOCKED_POSITION = "the position is not read under its lock"
    NO_GAPS = "a reader accepts gaps"
    NO_EQUALS = "a reader accepts an equal number"
    OPENED_AGAIN = "readers read on, though Kafka has lost the end of what they read"
    READ_ON = "a reader stops for ever at a hole"
    TIMELINE = "a reader ignores the timeline"
    OWN_PLACE = "a copy that was restored goes unnoticed by its readers"
    REPEATS = "repeats are not recognised"
    PER_ORGANISATION = "repeats are recognised across organisations"
    FENCE = "the offset in the ingress is no fence"
    BATCH_BEFORE = "a batch is decided though the one read before it was not"
    NO_SKIPPING = "the offset in the ingress is a reason to skip"
    APPEND_TIME = "the append time in the ingress is ignored"


ABSENT: Final = frozenset(
    {
        Broken.LAST_THERE,
    }
)
"""Rules that this model found the law to need, and that the product does not have yet (`docs/model.md`)."""
