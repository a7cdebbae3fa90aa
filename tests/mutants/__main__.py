"""``make mutants``: every mutant against the named test, and every such test without a mutant; prints a table and a
summary.

``JOBS`` is the number of parallel tests, ``LIMIT_S`` the seconds until giving up. All tests with a database share a
PostgreSQL. ``python -m tests.mutants NAME…`` tries only these mutants.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.server import VARIABLE
from tests.mutants.trial import Outcome, attempt, processes
from tests.support.postgres import postgres_server

JOBS: Final = int(os.environ.get("JOBS", "2"))
LIMIT_SECONDS: Final = float(os.environ.get("LIMIT_S", "1200"))
EXPLAINED_LINES: Final = 30
Trial = tuple[str, Mutant | None]


def main(names: Sequence[str]) -> int:
    """0 when every test is green without the mutant and red with the mutant."""
    began = time.monotonic()
    mutants = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    trials: list[Trial] = [(mutant.test, mutant) for mutant in mutants]
    trials += [(test, None) for test in dict.fromkeys(mutant.test for mutant in mutants)]
    with ExitStack() as stack:
        if any(mutant.needs_database for mutant in mutants):
            os.environ[VARIABLE] = stack.enter_context(postgres_server())
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = stack.enter_context(tempfile.TemporaryDirectory())
        pool = stack.enter_context(processes(JOBS))
        outcomes = pool.starmap_async(attempt, trials, chunksize=1).get(LIMIT_SECONDS)
    tried = dict(zip(trials, outcomes, strict=True))
    _print_table(tried)
    return _judge(tried, time.monotonic() - began)


def _print_table(tried: Mapping[Trial, Outcome]) -> None:
    rows = [("mutant", "protection", "test", "with it", "without")]
    rows += [
        (mutant.name, mutant.home, test, outcome.colour, tried[test, None].colour)
        for (test, mutant), outcome in tried.items()
        if mutant is not None
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _judge(tried: Mapping[Trial, Outcome], seconds: float) -> int:
    wrong = [each for each in tried if tried[each].colour != ("red" if each[1] else "green")]
    for test, mutant in wrong:
        print(f"--- {test}, {mutant or 'no mutant'}: {tried[test, mutant].colour}", file=sys.stderr)
        print(*tried[test, mutant].output.splitlines()[-EXPLAINED_LINES:], sep="\n", file=sys.stderr)
    survived, mutants = (sum(mutant is not None for _, mutant in some) for some in (wrong, tried))
    print(
        f"mutants: {mutants - survived} of {mutants} found by the test named for them; "
        f"{len(wrong) - survived} of {len(tried) - mutants} tests not green without; {seconds:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
