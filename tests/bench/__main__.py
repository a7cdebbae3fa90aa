"""`make bench`: measure, print a table, write `.samenspel/bench.json`; ends with 1 when a goal is missed.

``COUNT`` is how many submissions a round has, ``ROUNDS`` how many rounds, ``SIZES`` the histories (comma-separated).
"""

import os
import sys
import tempfile
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from tests.bench import measures
from tests.bench.decoding import decoding
from tests.bench.fairness import fairness
from tests.bench.harness import stand
from tests.bench.hostile_input import poison
from tests.bench.http_submissions import http_submissions
from tests.bench.instances import sharing
from tests.bench.measures import Figure

RESULT = Path(__file__).parents[2] / ".samenspel" / "bench.json"
COUNT = int(os.environ.get("COUNT", "60000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SIZES = [int(size) for size in os.environ.get("SIZES", "10000,100000,1000000").split(",")]


def main() -> int:
    talk = Console(stderr=True)
    talk.print("measuring decoding")
    figures: list[Figure] = decoding(ROUNDS)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with stand(folder) as made:
            for what, measure in (
                ("latency", lambda: measures.latency(made, folder, per_second=300, seconds=10)),
                ("throughput", lambda: measures.throughput(made, COUNT, ROUNDS)),
                ("replica", lambda: measures.rebuild(made, folder, ROUNDS)),
            ):
                talk.print(f"measuring {what}")
                figures += measure()
            talk.print("measuring poison")
            figures += poison(made, ROUNDS)
            talk.print("measuring fairness")
            figures += fairness(made)
            talk.print("measuring HTTP")
            figures += http_submissions(made, ROUNDS)
            talk.print("measuring two instances")
            figures += sharing(made, COUNT // 2, 2 * ROUNDS)
        with stand(folder / "growth") as made:
            talk.print("measuring growth")
            figures += measures.growth(made, SIZES, COUNT // 2)
    _print(figures)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_bytes(orjson.dumps([figure.row() for figure in figures], option=orjson.OPT_INDENT_2))
    return 1 if any(figure.holds is False for figure in figures) else 0


def _print(figures: list[Figure]) -> None:
    table = Table("what", "value", "floor", "ratio", "goal", "holds")
    for each in figures:
        floor = f"{each.floor:,.0f}" if each.floor is not None else ""
        ratio = f"{each.ratio:.2f}" if each.ratio is not None else ""
        holds = {None: "", True: "yes", False: "no"}[each.holds]
        table.add_row(each.name, f"{each.value:,.1f} {each.unit}", floor, ratio, each.goal, holds)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
