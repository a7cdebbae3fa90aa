"""Submission over Kafka: writes the organisation's ingress topics and reads its receipts topics."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.access.kafka import aiokafka_settings, connect
from samenspel.client.access.profile import Credential, System
from samenspel.client.submit.receipts import collect_receipts
from samenspel.client.submit.statements import Statement, SubmitProgress, by_domain
from samenspel.contracts.receipts import Answer
from samenspel.contracts.topics import RECORD_BATCH_BYTES_MAX, ingress

BATCH_BYTES_MAX: Final = RECORD_BATCH_BYTES_MAX - 10_000
IN_FLIGHT_MAX: Final = 4


class KafkaSubmitter:
    """Submits as one organisation; an async context manager.

    With ``receipts`` the submitter reads the receipts topics from their present end, and `submit` can wait for
    answers. Without ``receipts`` the submitter only sends.
    """

    def __init__(self, system: System, credential: Credential, *, receipts: bool = True) -> None:
        self._access = system.kafka
        self._credential = credential
        self._reads_receipts = receipts
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            producer = AIOKafkaProducer(
                **aiokafka_settings(self._access, self._credential),
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES_MAX,
                max_request_size=RECORD_BATCH_BYTES_MAX,
            )
            self._receipts = (
                await stack.enter_async_context(collect_receipts(self._access, self._credential))
                if self._reads_receipts
                else None
            )
            self._producer = await stack.enter_async_context(connect(producer, self._access, self._credential))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def submit(
        self, statements: Sequence[Statement], within: float | None = None, progress: SubmitProgress = lambda _: None
    ) -> list[Answer | None]:
        """Send the statements in order; wait at most ``within`` seconds for final answers.

        Returns one answer per statement, None where no answer arrived. Raises EnvironmentUnavailable, RequestRefused.
        """
        identities = [each.identity for each in statements]
        if self._receipts is not None and within is not None:
            self._receipts.expect(identities)
        for domain, of_domain in by_domain(statements).items():
            await self._send(ingress(domain, self._credential.oin), of_domain, progress)
        if self._receipts is None or within is None:
            return [None] * len(identities)
        return await self._receipts.wait_for_final(identities, within)

    async def _send(self, topic: str, statements: Sequence[Statement], progress: SubmitProgress) -> None:
        """Send whole record batches, IN_FLIGHT_MAX at a time: a third of the cost of single records."""
        in_flight: list[tuple[Any, int]] = []
        try:
            rest = list(statements)
            while rest:
                batch = self._producer.create_batch()
                appended = _fill_batch(batch, rest)
                in_flight.append((await self._producer.send_batch(batch, topic, partition=0), appended))
                del rest[:appended]
                if len(in_flight) >= IN_FLIGHT_MAX:
                    progress(await _acknowledged(*in_flight.pop(0)))
            for each in in_flight:
                progress(await _acknowledged(*each))
        except TopicAuthorizationFailedError:
            raise RequestRefused(
                f"{self._credential.name} may not write {topic}: ask the operator for admission"
            ) from None
        except KafkaError as error:
            raise EnvironmentUnavailable(
                f"Kafka at {self._access.bootstrap} did not accept all events ({error}): "
                "send them again, repeats are recognised"
            ) from None


def _fill_batch(batch: Any, statements: Sequence[Statement]) -> int:
    """Append statements while they fit, close the batch, and return the number of appended statements."""
    appended = 0
    for each in statements:
        if batch.append(key=None, value=each.data, timestamp=None, headers=each.headers()) is None:
            break
        appended += 1
    if not appended:
        raise MessageSizeTooLargeError(f"{statements[0].identity[1]} exceeds the maximum size of a record")
    batch.close()
    return appended


async def _acknowledged(sent: Any, number: int) -> int:
    await sent
    return number
