"""The law of lanes, model-checked: every interleaving of small scenarios, with the invariants in each state.

``python -m tests.model`` explores all scenarios, then leaves out rule after rule and shows the shortest harmful path;
``… model LANE_LOCK`` explores a single rule. ``LIMIT_S`` bounds the processor seconds; incomplete explorations are
reported. Ends with a line of figures; exit code 1 for a violation or an undetected missing rule. `docs/model.md`
lists the modelled and omitted parts.
"""

import os
import sys
from collections.abc import Iterator

from tests.model.explorer import Found, explore
from tests.model.rules import Broken
from tests.model.scenarios import HARM, LARGE, SMALL

Row = tuple[str, Found, str]
"""Name, result, and the fault of the result ('' for a correct result)."""


def main(names: list[str]) -> int:
    left = float(os.environ.get("LIMIT_S", "inf"))
    rows: list[Row] = []
    print(
        f"{'scenario, or the rule that is left out':<68}{'states':>10}{'depth':>7}{'seconds':>9}  found", flush=True
    )
    for row in broken(left, [Broken[name] for name in names]) if names else everything(left):
        rows.append(row)
    wrong = [row for row in rows if row[2]]
    for name, found, reason in wrong:
        print(f"\n{name}: {reason}", *found.trace, sep="\n    ")
    print(last_line(rows, wrong))
    return int(bool(wrong))


def everything(left: float) -> Iterator[Row]:
    for row in scenarios(left):
        left -= row[1].seconds
        yield row
    yield from broken(left, list(Broken))


def scenarios(left: float) -> Iterator[Row]:
    for name, setting in {**SMALL, **LARGE}.items():
        found = explore(setting, seconds_max=left)
        left -= found.seconds
        how = found.violation or ("all states" if found.complete else "the nearest")
        yield shown((name, found, found.violation or ""), how)


def broken(left: float, rules: list[Broken]) -> Iterator[Row]:
    for rule in rules:
        setting, harm = HARM[rule]
        found = explore(setting._replace(broken=rule), seconds_max=left)
        left -= found.seconds
        cut_short = found.violation is None and not found.complete
        wrong = "" if cut_short or harm in (found.violation or "") else f"not found ({harm}), but {found.violation}"
        how = "not tried to the end" if cut_short else f"at step {len(found.trace)}: {found.violation}"
        yield shown((f"without: {rule}", found, wrong), how)
        if len(rules) == 1:
            print(*found.trace, sep="\n    ")


def shown(row: Row, how: str) -> Row:
    name, found, _ = row
    print(f"{name[:67]:<68}{found.states:>10,}{found.depth:>7}{found.seconds:>9.1f}  {how}", flush=True)
    return row


def last_line(rows: list[Row], wrong: list[Row]) -> str:
    tried = sum(found.states for name, found, _ in rows if not name.startswith("without: "))
    left_out = [row for row in rows if row[0].startswith("without: ")]
    seconds = sum(found.seconds for _, found, _ in rows)
    return (
        f"model: {len(rows) - len(left_out)} scenarios, {tried:,} states; {len(left_out)} rules left out one at a "
        f"time; {len(wrong)} not as it must be; {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
