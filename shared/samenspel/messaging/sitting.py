"""One transaction at the desk: what was locked and read, what was decided, and what of that is not written yet."""

from dataclasses import dataclass, field
from datetime import datetime

from samenspel.contracts.submissions import Submission
from samenspel.messaging import lanes
from samenspel.messaging.answers import Answered, Identity
from samenspel.messaging.lanes import Entries, Lane, LaneName
from samenspel.messaging.states import Change, Held, Reference, World


@dataclass(slots=True)
class Page:
    """What a run of decisions leads to: first answers, what waits and for what, changed aggregates, their lanes."""

    first: list[tuple[Submission, Answered]] = field(default_factory=list)
    deferred: list[tuple[Submission, LaneName, Reference | None]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    changed: dict[Reference, Held] = field(default_factory=dict)
    at: dict[Reference, LaneName] = field(default_factory=dict)


@dataclass(slots=True)
class Sitting:
    """``world``, ``queues`` and ``known`` grow with what is decided; ``page`` is what is to be written of it."""

    now: datetime
    recorded: str
    locked: dict[LaneName, Lane]
    world: World
    queues: set[tuple[LaneName, str]]
    known: dict[Identity, bytes]
    page: Page = field(default_factory=Page)

    def turn(self) -> tuple[Page, Entries]:
        """The page that is full, and its rows of the journal; what is decided from now on goes on a new one."""
        full, self.page = self.page, Page()
        return full, lanes.taken(self.locked.values())
