"""Groups of requests: the requests that wait while a transaction runs become the next transaction.

A request without company starts at once: no timer is involved. One group per instance is decided at a time. Two
groups would mostly wait for each other's lanes, and hold two connections meanwhile.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import asyncpg
import structlog

from samenspel.messaging.errors import TRANSIENT, MessagingError
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer
from samenspel.runtime.metrics import HTTP_GROUP_SUBMISSIONS, HTTP_GROUP_WAIT_SECONDS

log = structlog.get_logger()

GROUP_SUBMISSIONS_MAX: Final = 500
"""Submissions of one group; a request is never split, and a request of more is a group of its own."""
GROUP_BYTES_MAX: Final = 1_048_576
"""Bytes of the requests of one group, beyond its first request."""
SHARE_MAX: Final = 250
"""Submissions of one organisation in a group while others wait, beyond its first request."""
GROUP_SECONDS_MAX: Final = 5.0
OF_ONE_REQUEST: Final = (MessagingError, asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)
"""Transient errors that one request of a group may cause. All other transient errors meet each request alike."""

Commit = Callable[[Sequence[Incoming]], Awaitable[list[RenderedAnswer]]]


class GroupFailed(Exception):
    """The transaction of the whole group was rolled back: decide each of its requests in a transaction of its own."""


@dataclass(slots=True, eq=False)
class QueuedRequest:
    """Submissions of one request, ``size`` bytes together. ``answered`` gets the answers, or the error."""

    organisation: str
    incoming: Sequence[Incoming]
    size: int
    answered: "asyncio.Future[list[RenderedAnswer]]"
    since: float = field(default_factory=monotonic)

    def answer(self, answers: list[RenderedAnswer]) -> None:
        """Nobody takes the answers of a client that has left."""
        if not self.answered.done():
            self.answered.set_result(answers)

    def fail(self, error: Exception) -> None:
        if not self.answered.done():
            self.answered.set_exception(error)


class RequestQueues:
    """The requests that wait, by organisation and in order of arrival."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[QueuedRequest]] = {}

    def add(self, request: QueuedRequest) -> None:
        self._queues.setdefault(request.organisation, deque()).append(request)

    def remove(self, request: QueuedRequest) -> bool:
        """Whether the request still waited."""
        queue = self._queues.get(request.organisation, ())
        if request not in queue:
            return False
        self._take(request.organisation, request)
        return True

    def next_group(self) -> list[QueuedRequest]:
        """Take the next group: the next request always goes to the organisation with the fewest submissions in it.

        Requests of one organisation keep their order. Organisations that were served move behind those that were not.
        """
        group = _Group(is_shared=len(self._queues) > 1)
        turns = [(0, place, organisation) for place, organisation in enumerate(self._queues)]
        while turns:
            number, place, organisation = heapq.heappop(turns)
            request = self._queues[organisation][0]
            if not group.has_room(request, number):
                continue
            group.add(request)
            if self._take(organisation, request):
                heapq.heappush(turns, (number + len(request.incoming), place, organisation))
        for organisation in dict.fromkeys(each.organisation for each in group.requests):
            if queue := self._queues.pop(organisation, None):
                self._queues[organisation] = queue
        return group.requests

    def _take(self, organisation: str, request: QueuedRequest) -> bool:
        """Whether the organisation has further requests."""
        queue = self._queues[organisation]
        queue.remove(request)
        if not queue:
            del self._queues[organisation]
        return bool(queue)


@dataclass(slots=True)
class _Group:
    """A group that is being chosen; ``is_shared``: several organisations wait."""

    is_shared: bool
    requests: list[QueuedRequest] = field(default_factory=list)
    submissions: int = 0
    size: int = 0

    def has_room(self, request: QueuedRequest, own: int) -> bool:
        """Whether the request fits, of an organisation that has ``own`` submissions in the group."""
        number = len(request.incoming)
        if own and self.is_shared and own + number > SHARE_MAX:
            return False
        fits = self.submissions + number <= GROUP_SUBMISSIONS_MAX and self.size + request.size <= GROUP_BYTES_MAX
        return fits or not self.requests

    def add(self, request: QueuedRequest) -> None:
        self.requests.append(request)
        self.submissions += len(request.incoming)
        self.size += request.size


class SubmissionGroups:
    """Decides requests in groups; ``commit`` decides and commits the submissions of a group."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._queues = RequestQueues()
        self._working: asyncio.Task[None] | None = None

    async def decide(
        self, organisation: str, incoming: Sequence[Incoming], size: int, wait_seconds: float
    ) -> list[RenderedAnswer]:
        """The answers to one request, committed together with other requests.

        Raises `GroupFailed`, the error of a request without company, or an error that meets every request. Raises
        TimeoutError for a request that is in no group after ``wait_seconds``. A group that has begun is never left:
        the caller learns the outcome of the commit, at most `GROUP_SECONDS_MAX` later.
        """
        request = QueuedRequest(organisation, incoming, size, asyncio.get_running_loop().create_future())
        self._queues.add(request)
        if self._working is None:
            # In a context of its own: the group belongs to no organisation, and takes no connection of its share.
            self._working = asyncio.create_task(self._work(), context=Context())
        try:
            await asyncio.wait([request.answered], timeout=wait_seconds)
            if self._queues.remove(request):
                raise TimeoutError("no transaction began in time")
            return await request.answered
        finally:
            self._queues.remove(request)
            request.answered.cancel()

    async def stop(self) -> None:
        """End the transaction in progress. Its requests, and those that wait, fail."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])

    async def _work(self) -> None:
        try:
            while group := self._queues.next_group():
                await self._decide(group)
        finally:
            self._working = None

    async def _decide(self, group: Sequence[QueuedRequest]) -> None:
        incoming = [each for request in group for each in request.incoming]
        _measure(group, len(incoming))
        try:
            async with asyncio.timeout(GROUP_SECONDS_MAX):
                answered = iter(await self._commit(incoming))
            for request in group:
                request.answer([next(answered) for _ in request.incoming])
        except Exception as error:
            _fail(group, error)
        finally:
            for request in group:
                request.fail(GroupFailed())


def _fail(group: Sequence[QueuedRequest], error: Exception) -> None:
    """A request without company gets its own error. One request of many must not fail the others."""
    meets_all = isinstance(error, TRANSIENT) and not isinstance(error, OF_ONE_REQUEST)
    if len(group) > 1 and not meets_all:
        log.warning("group not decided; each request alone", requests=len(group), error=repr(error))
        error = GroupFailed()
    for request in group:
        request.fail(error)


def _measure(group: Sequence[QueuedRequest], submissions: int) -> None:
    now = monotonic()
    HTTP_GROUP_SUBMISSIONS.observe(submissions)
    for request in group:
        HTTP_GROUP_WAIT_SECONDS.observe(now - request.since)
