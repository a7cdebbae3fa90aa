"""A projected lane that is replaced by the lane of another system: diverged, and nothing is applied."""

from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts import canonical
from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.projections.batch import OTHER_LANE, Divergence, ProjectionBatch

from tests.support.lane_owner import Owner, Record

LANE = INITIATIVES, 0
subjects = st.lists(st.sampled_from("abc"), min_size=1, max_size=8)


def event(record: Record) -> CanonicalEvent:
    return canonical.read(record.topic(), record.partition(), record.offset(), record.headers(), record.value())


def published(names: list[str], identity: str | None = None) -> Owner:
    """Two lanes with the same subjects have the same states and digests."""
    owner = Owner() if identity is None else Owner(identity=identity)
    for name in names:
        owner.publish(name, value=b'{"title":"the same"}')
    return owner


def applied(owner: Owner) -> ProjectionBatch:
    batch = ProjectionBatch({LANE: Position()}, {})
    for record in owner.log:
        batch.apply(event(record))
    return batch


def following(before: ProjectionBatch, *records: Record) -> ProjectionBatch:
    """The next batch, from the state that the batch before has stored."""
    batch = ProjectionBatch(
        dict(before.positions),
        dict(before.hashes),
        diverged=dict(before.diverged),
        identities=dict(before.identities),
    )
    for record in records:
        batch.apply(event(record))
    return batch


def test_empty_lane_accepts_the_identity_of_its_first_event() -> None:
    owner = published(["a", "b"])
    assert applied(owner).identities == {LANE: owner.identity}


@given(ours=subjects, theirs=subjects, timelines=st.integers(0, 3))
def test_lane_of_another_system_is_always_diverged_and_never_applied(
    ours: list[str], theirs: list[str], timelines: int
) -> None:
    """Shorter, longer, equally long, with the same states, or on another timeline."""
    other = Owner()
    for _ in range(timelines):
        other.begin_anew()
    for name in theirs:
        other.publish(name, value=b'{"title":"the same"}')
    before = applied(published(ours))
    batch = following(before, *other.log)
    assert batch.diverged == {LANE: Divergence(1, OTHER_LANE)}
    assert batch.changed
    assert (batch.events, batch.restarted, batch.gaps) == ([], {}, set())
    assert batch.positions == before.positions
    again = following(batch, *(other.publish(name) for name in theirs))
    assert (again.events, again.changed) == ([], False)


def test_known_lane_that_is_back_is_applied_again() -> None:
    owner = published(["a", "b"])
    foreign = following(applied(owner), published(["x"]).log[0])
    owner.publish("c")
    batch = following(foreign, *owner.log)
    assert (batch.diverged, [each.sequence for each in batch.events]) == ({}, [3])


def test_new_timeline_keeps_the_identity() -> None:
    owner = published(["a", "b"])
    before = applied(owner)
    owner.begin_anew()
    batch = following(before, owner.publish("a"))
    assert (batch.restarted, batch.diverged) == ({LANE: 2}, {})
    assert batch.identities == {LANE: owner.identity}


def test_another_event_at_the_place_of_the_last_applied_event_is_no_repeat() -> None:
    owner = published(["a", "b"])
    other = published(["a", "c"], owner.identity)
    batch = following(applied(owner), *other.log)
    assert batch.diverged == {LANE: Divergence(2, "event 2 in the log is not the event applied here")}


def test_checkpoint_of_an_earlier_version_compares_the_last_event() -> None:
    """The identity is unknown; the digest of the last applied event shows the other lane."""
    before = applied(published(["a", "b"]))
    before.identities.clear()
    batch = following(before, *published(["a", "c"]).log)
    assert list(batch.diverged) == [LANE]
