"""The table of limits in ``docs/limits.md``: made from `samenspel.runtime.limits`.

``python -m tests.architecture.limits`` writes the table again.
"""

import re
from typing import Final

from samenspel.runtime.limits import LIMITS, MEBIBYTE, Limit

from tests.architecture.checkout import ROOT

DOCUMENT: Final = ROOT / "docs" / "limits.md"
SHOWN: Final = re.compile(r"(?<=<!-- limits -->\n).*(?=<!-- /limits -->)", re.DOTALL)
REACTIONS: Final = {
    "refusal": "refused",
    "back-pressure": "back-pressure",
    "quarantine": "quarantined",
    "cut": "cut off",
}
HEAD: Final = "| limit | resource | default | per | at the limit | setting |\n|---|---|---|---|---|---|\n"


def table() -> str:
    """The rows of all limits, as Markdown."""
    return HEAD + "".join(_row(limit) for limit in LIMITS)


def shown(text: str) -> str:
    """The same document with the table of the module."""
    return SHOWN.sub(lambda _: table(), text)


def _row(limit: Limit) -> str:
    setting = f"`SAMENSPEL_{limit.setting.upper()}`" if limit.setting else "fixed"
    cells = (f"`{limit.name}`", limit.resource, _value(limit), limit.scope, REACTIONS[limit.reaction], setting)
    return f"| {' | '.join(cells)} |\n"


def _value(limit: Limit) -> str:
    if limit.unit.startswith("bytes"):
        return f"{limit.default // MEBIBYTE} MiB{limit.unit.removeprefix('bytes')}"
    return f"{limit.default:,} {limit.unit}"


if __name__ == "__main__":
    DOCUMENT.write_text(shown(DOCUMENT.read_text()))
