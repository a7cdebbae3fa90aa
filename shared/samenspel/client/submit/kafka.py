"""The Kafka door: statements onto the organisation's ingress topics, and their answers from its receipts topics."""

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
from samenspel.client.submit.statements import Progress, Statement, by_domain
from samenspel.contracts.receipts import Answer
from samenspel.contracts.topics import RECORD_BATCH_BYTES_MAX, ingress

BATCH_BYTES_MAX: Final = RECORD_BATCH_BYTES_MAX - 10_000
IN_FLIGHT_MAX: Final = 4


class KafkaSubmitter:
    """Submits as one organisation; an async context manager.

    With ``receipts`` it reads the organisation's answers from the moment it opens, so that `submit` can wait for
    them; without, it only sends.
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
            self._producer = await stack.enter_async_context(connect(producer, self._access, self._credential.name))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def submit(
        self, statements: Sequence[Statement], within: float | None = None, progress: Progress = lambda _: None
    ) -> list[Answer | None]:
        """Send in order; with ``within`` wait so many seconds at most for the final answers.

        Gives one answer per statement, None where there is none (yet). Raises SurroundingsMissing, DoorRefused.
        """
        identities = [each.identity for each in statements]
        if self._receipts is not None and within is not None:
            self._receipts.expect(identities)
        for domain, theirs in by_domain(statements).items():
            await self._send(ingress(domain, self._credential.oin), theirs, progress)
        if self._receipts is None or within is None:
            return [None] * len(identities)
        return await self._receipts.wait_for_final(identities, within)

    async def _send(self, topic: str, statements: Sequence[Statement], progress: Progress) -> None:
        """Whole record batches, a few under way at a time: three times cheaper than record by record."""
        under_way: list[tuple[Any, int]] = []
        try:
            rest = list(statements)
            while rest:
                batch = self._producer.create_batch()
                taken = _fill_batch(batch, rest)
                under_way.append((await self._producer.send_batch(batch, topic, partition=0), taken))
                del rest[:taken]
                if len(under_way) >= IN_FLIGHT_MAX:
                    progress(await _acknowledged(*under_way.pop(0)))
            for each in under_way:
                progress(await _acknowledged(*each))
        except TopicAuthorizationFailedError:
            raise RequestRefused(
                f"{self._credential.name} may not write {topic}: it was not admitted, or suspended"
            ) from None
        except KafkaError as error:
            raise EnvironmentUnavailable(
                f"Kafka at {self._access.bootstrap} did not take everything ({error}): "
                "send it again, repeats are recognised"
            ) from None


def _fill_batch(batch: Any, statements: Sequence[Statement]) -> int:
    """Append as many as fit, and close the batch; how many that were."""
    taken = 0
    for each in statements:
        if batch.append(key=None, value=each.data, timestamp=None, headers=each.headers()) is None:
            break
        taken += 1
    if not taken:
        raise MessageSizeTooLargeError(f"{statements[0].identity[1]} is larger than a record may be")
    batch.close()
    return taken


async def _acknowledged(sent: Any, number: int) -> int:
    await sent
    return number
