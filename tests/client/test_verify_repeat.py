"""The last record of a lane may be a repeat: whoever stands further is not ahead of the owner for that."""

from typing import Any

import pytest
from samenspel.client.replica.copy import Lane
from samenspel.client.replica.verify import LaneVerdict, _compared

OURS, ANOTHER = f"{7:064x}", f"{8:064x}"


class Record:
    def __init__(self, sequence: int, digest: str) -> None:
        self._headers = {"ce_sequence": b"%d" % sequence, "ce_timeline": b"1", "ce_statedigest": digest.encode()}

    def headers(self) -> list[tuple[str, bytes]]:
        return list(self._headers.items())


class Log:
    """Answers what lies at an offset, as `KafkaLanes` does."""

    def __init__(self, *records: Record) -> None:
        self._records = records

    def record_at(self, _: object, offset: int) -> Record:
        return self._records[offset]


@pytest.mark.parametrize(
    ("log", "behind", "equal"),
    [
        (Log(Record(1, ANOTHER), Record(2, OURS)), 0, True),
        (Log(Record(1, ANOTHER), Record(2, OURS), Record(1, ANOTHER)), 0, True),
        (Log(Record(1, ANOTHER), Record(2, OURS), Record(3, ANOTHER)), 1, True),
        (Log(Record(1, ANOTHER), Record(2, ANOTHER), Record(1, ANOTHER)), 0, False),
        (Log(Record(1, ANOTHER)), -1, True),
    ],
    ids=["at its end", "behind it a repeat", "one more", "another event", "the owner lost it"],
)
def test_how_far_a_copy_is(log: Any, behind: int, equal: bool) -> None:
    stands = LaneVerdict("samenspel.initiatives/0", 1, 2, OURS, True)
    lane = Lane("samenspel.initiatives", 0, sequence=2, digest=7, last_offset=1)
    found = _compared(log, lane, stands, 0, len(log._records))
    assert (found.behind, found.equal) == (behind, equal)
