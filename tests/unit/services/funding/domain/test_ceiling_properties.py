"""R1 and R2 over any sequence of decisions, in any batches: no programme grants more or less than possible."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.funding import Application, Decision
from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.state import AggregateChange

from tests.support.funding_cases import (
    CITY,
    RIJK,
    MemoryProcessor,
    granting,
    new_id,
    opened,
    organisation,
    refusing,
    submission,
    submitted,
)

Wish = tuple[int, int, int | None]
"""The programme, cents requested, and cents proposed by the authority (None: refusal)."""
CENTS = st.integers(1, 400)
WISHES = st.tuples(st.integers(0, 1), CENTS, st.none() | CENTS).map(
    lambda wish: (wish[0], wish[1], wish[2] and min(wish[1], wish[2]))
)


class Round:
    """Two programmes with a processor, and the decisions in each."""

    def __init__(self, ceilings: tuple[int, int]) -> None:
        self.processor = MemoryProcessor([organisation(RIJK, "grant-authority"), organisation(CITY)])
        self.ceilings = {new_id(): ceiling for ceiling in ceilings}
        self.decisions: dict[str, list[Decision]] = defaultdict(list)
        self.processor.settle(
            *(
                submission("programme-opened", opened(ceiling, programme_id=name), RIJK)
                for name, ceiling in self.ceilings.items()
            )
        )

    def decide(self, batch: list[Wish]) -> None:
        """Apply and decide, all in a transaction, applications first."""
        pairs = [self._pair(*wish) for wish in batch]
        outcomes = self.processor.settle(*(each[0] for each in pairs), *(each[1] for each in pairs))
        for outcome in outcomes:
            assert isinstance(outcome, AggregateChange), outcome
            if isinstance(outcome.state, Application) and outcome.state.decision:
                self.decisions[outcome.key].append(outcome.state.decision)

    def fallen(self) -> list[list[Decision]]:
        """The decisions per programme, in the order of the programmes."""
        return [self.decisions[name] for name in self.ceilings]

    def _pair(self, which: int, requested: int, wanted: int | None) -> tuple[Submission, Submission]:
        ids = {"programme_id": list(self.ceilings)[which], "application_id": new_id()}
        stated = refusing("provision-not-met", **ids) if wanted is None else granting(wanted, **ids)
        return (
            submission("application-submitted", submitted(requested, **ids), CITY),
            submission("application-decided", stated, RIJK),
        )


@given(st.tuples(st.integers(1, 1_000), st.integers(1, 1_000)), st.lists(st.lists(WISHES, max_size=5), max_size=6))
def test_r1_granted_never_exceeds_the_ceiling(ceilings: tuple[int, int], batches: list[list[Wish]]) -> None:
    round = Round(ceilings)
    for batch in batches:
        round.decide(batch)
        for programme, ceiling in round.ceilings.items():
            granted = sum(decision.granted_cents for decision in round.decisions[programme])
            assert granted == round.processor.budgets[programme] <= ceiling


@given(st.integers(1, 1_000), st.lists(st.lists(WISHES, max_size=5), max_size=6))
def test_r2_only_the_amount_beyond_the_ceiling_is_refused(ceiling: int, batches: list[list[Wish]]) -> None:
    round = Round((ceiling, ceiling))
    for batch in batches:
        round.decide(batch)
    for decisions in round.decisions.values():
        room = ceiling
        for decision in decisions:
            assert decision.room_before_cents == room
            assert decision.granted_cents == min(decision.asked_cents, room)
            assert decision.room_after_cents == room - decision.granted_cents
            assert ("ceiling-exceeded" in decision.grounds) == (decision.asked_cents > room)
            room = decision.room_after_cents


@given(st.lists(WISHES, max_size=12), st.integers(1, 1_000))
def test_decisions_are_the_same_in_one_batch_and_one_by_one(wishes: list[Wish], ceiling: int) -> None:
    at_once, one_by_one = Round((ceiling, ceiling)), Round((ceiling, ceiling))
    at_once.decide(wishes)
    for wish in wishes:
        one_by_one.decide([wish])

    assert at_once.fallen() == one_by_one.fallen()
