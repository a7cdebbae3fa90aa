"""One submitter per party, over Kafka or HTTP, kept open during the demo."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from samenspel.client.access.profile import Profile
from samenspel.client.submit.emit import submitter_for
from samenspel.client.submit.http import HttpSubmitter
from samenspel.client.submit.kafka import KafkaSubmitter
from samenspel.client.submit.receipts import outcome_of
from samenspel.client.submit.statements import Statement
from samenspel.contracts.receipts import Answer

from deploy.demo.errors import DemoFailed
from deploy.demo.sample import Party, Sample
from deploy.demo.statements import StatementsByParty

OUTCOME_SECONDS_MAX: Final = 45.0
"""Seconds to wait for a final answer; longer than the restart of a killed service."""


class Submitters:
    """Opens a submitter at the first submission of a party; an async context manager."""

    def __init__(self, profile: Profile, sample: Sample) -> None:
        self._profile = profile
        self._parties = sample.parties
        self.promised: dict[str, int] = {}
        """Highest sequence per lane in the answers. Every replica must contain the events up to these sequences."""
        self._submitters: dict[str, asyncio.Task[KafkaSubmitter | HttpSubmitter]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def submit(self, stated: StatementsByParty) -> list[Answer]:
        """Submit for all parties concurrently, in order per party, and return the final answers.

        Raises DemoFailed if an answer is not *accepted*.
        """
        answers = await asyncio.gather(*self.start_submitting(stated))
        return [answer for theirs in answers for answer in theirs]

    def start_submitting(self, stated: StatementsByParty) -> list[asyncio.Task[list[Answer]]]:
        """As `submit`, without waiting: one task per party."""
        return [asyncio.create_task(self._await_outcomes(key, statements)) for key, statements in stated.items()]

    async def submit_without_waiting(self, key: str, statements: Sequence[Statement]) -> list[Answer | None]:
        """The immediate answers, including *deferred* answers."""
        submitter = await self._submitter(self._parties[key])
        return await submitter.submit(statements)

    async def _await_outcomes(self, key: str, statements: Sequence[Statement]) -> list[Answer]:
        party = self._parties[key]
        submitter = await self._submitter(party)
        answers = await submitter.submit(statements, OUTCOME_SECONDS_MAX)
        accepted = [_require_accepted(party, each, answer) for each, answer in zip(statements, answers, strict=True)]
        for event in (event for answer in accepted for event in answer.events):
            self.promised[event.lane] = max(event.sequence, self.promised.get(event.lane, 0))
        return accepted

    async def _submitter(self, party: Party) -> KafkaSubmitter | HttpSubmitter:
        """One submitter per party, also for concurrent calls."""
        if party.key not in self._submitters:
            self._submitters[party.key] = asyncio.create_task(self._open(party))
        return await self._submitters[party.key]

    async def _open(self, party: Party) -> KafkaSubmitter | HttpSubmitter:
        return await self._stack.enter_async_context(submitter_for(self._profile, party.oin, party.entry_point))


def _require_accepted(party: Party, stated: Statement, answer: Answer | None) -> Answer:
    if answer is None:
        raise DemoFailed(f"{party.name} got no answer to {stated.kind.name} within {OUTCOME_SECONDS_MAX:.0f} s")
    if outcome_of(answer) != "accepted":
        why = "; ".join(f"{problem.field}: {problem.detail}" for problem in answer.problems)
        raise DemoFailed(
            f"{stated.kind.name} of {party.name} was {outcome_of(answer)} ({why}): "
            "if another version of the demo ran on this system, run `samenspel reset` first"
        )
    return answer
