"""Headers of a record: stored as the lines of the journal; a record without these headers is no event."""

from samenspel.client.replica import ReplicaStore

from tests.support.lane_owner import Owner
from tests.support.replicas import equals, sync


def test_record_that_is_no_event_is_skipped(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish()
    owner.append([("ce_id", b"x")], b"{}")
    owner.publish()
    _, report = sync(store, owner)
    assert equals(report, owner)


def test_headers_are_stored_as_the_lines_of_the_journal(store: ReplicaStore) -> None:
    owner = Owner()
    record = owner.publish()
    sync(store, owner)
    (lines,) = next(store.query("select headers from event"))
    assert lines.encode() == b"".join(b"%b:%b\n" % (name.encode(), value) for name, value in record.named[:-1])
