"""The parts of `make bench`, by name, and the systems that they share."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.bench import measures
from tests.bench.decoding import decoding
from tests.bench.fairness import fairness
from tests.bench.harness import Stand, stand
from tests.bench.hostile_input import poison
from tests.bench.http_submissions import http_submissions
from tests.bench.instances import sharing
from tests.bench.many_organisations import many_organisations
from tests.bench.measures import Figure
from tests.bench.peers.comparison import against_peers, delays_against_peers
from tests.bench.peers.relaying import relaying
from tests.bench.reads import reads
from tests.bench.replica_questions import questions
from tests.bench.sizing import sizing
from tests.bench.webhooks import webhooks


@dataclass
class Run:
    """Sizes of one run, its folder, and its systems, each started at the first use and removed at the end."""

    count: int
    """Submissions of a round."""
    rounds: int
    sizes: list[int]
    """Events of history."""
    organisations: int
    folder: Path
    _open: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def stand(self) -> Stand:
        """The system that parts share; a part may find the events of another part in it."""
        return self.own_stand("shared")

    def own_stand(self, name: str) -> Stand:
        """A system for one part alone."""
        return self._open.enter_context(stand(self.folder / name))

    def close(self) -> None:
        self._open.close()


@contextmanager
def running(count: int, rounds: int, sizes: list[int], organisations: int) -> Iterator[Run]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        run = Run(count, rounds, sizes, organisations, Path(name))
        try:
            yield run
        finally:
            run.close()


Part = Callable[[Run], list[Figure]]
# One line a part. The order is the order of the measurements. Parts that need an empty system have one of their own.
PARTS: Final[Mapping[str, Part]] = {
    "decoding": lambda run: decoding(run.rounds),
    "latency": lambda run: measures.latency(run.stand, run.folder, per_second=300, seconds=10),
    "throughput": lambda run: measures.throughput(run.stand, run.count, run.rounds),
    "peers": lambda run: against_peers(run.stand, run.count // 4, run.rounds),
    "peer-delays": lambda run: delays_against_peers(run.stand, run.rounds),
    "relay": lambda run: relaying(run.stand, run.count, run.rounds),
    "rebuild": lambda run: measures.rebuild(run.stand, run.folder, run.count, run.rounds),
    "questions": lambda run: questions(run.folder, run.rounds),
    "reads": lambda run: reads(run.rounds),
    "poison": lambda run: poison(run.stand, run.rounds),
    "fairness": lambda run: fairness(run.stand),
    "http": lambda run: http_submissions(run.own_stand("http"), run.rounds),
    "instances": lambda run: sharing(run.stand, run.count // 2, 2 * run.rounds),
    "organisations": lambda run: many_organisations(run.own_stand("organisations"), run.organisations),
    "webhooks": lambda run: webhooks(run.own_stand("webhooks"), run.sizes),
    "growth": lambda run: measures.growth(run.own_stand("growth"), run.sizes, run.count // 2),
    "sizing": lambda run: sizing(run.own_stand("sizing"), run.folder, run.count // 2),
}


def selected(names: str) -> dict[str, Part]:
    """The parts named in a comma-separated text, in the table's order; all parts for an empty text.

    Raises ``SystemExit`` for an unknown name.
    """
    wanted = {name.strip() for name in names.split(",")} - {""} or {*PARTS}
    if unknown := wanted - {*PARTS}:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    return {name: part for name, part in PARTS.items() if name in wanted}
