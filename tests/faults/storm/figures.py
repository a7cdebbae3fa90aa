"""The time until full service, per kind of fault."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

GOAL_SECONDS = 10.0


@dataclass(slots=True)
class Recoveries:
    """Seconds by kind of fault."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    last: float = 0.0

    def add(self, kind: str, seconds: float) -> None:
        self.last = seconds
        self.seconds[kind].append(seconds)

    def number(self, prefix: str) -> int:
        return sum(len(found) for kind, found in self.seconds.items() if kind.startswith(prefix))

    @property
    def killed(self) -> Counter[str]:
        return Counter({kind[5:]: len(found) for kind, found in self.seconds.items() if kind.startswith("kill ")})

    def of_kills(self) -> list[float]:
        return [each for kind, found in self.seconds.items() if kind.startswith("kill ") for each in found]

    def lines(self) -> Iterator[str]:
        """A line per kind: count, p50, p99 and maximum, in seconds."""
        for kind, found in sorted(self.seconds.items()):
            yield (
                f"{kind:<32} {len(found):>4} × p50 {percentile(found, 50):5.2f} s"
                f"  p99 {percentile(found, 99):5.2f} s  max {max(found):5.2f} s"
            )


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value not exceeded by this percentage; 0 for no values."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(percent) // 100) - 1)] if ordered else 0.0
