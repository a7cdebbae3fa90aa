"""The measured tables in the documents equal docs/bench.json; every part is shown, with date and command."""

from datetime import date
from typing import Final

from tests.architecture.measurements import DOCUMENTS, SHOWN, parts, shown, table

TEXTS: Final = [document.read_text() for document in DOCUMENTS]
ROW: Final = {
    "name": "relay", "value": 37_000.4, "unit": "events/s", "floor": 98_000.0, "ratio": 0.414, "goal": "ratio >= 0.5",
    "holds": False, "spread": [0.38, 0.42],
}  # fmt: skip


def test_tables_in_the_documents_equal_the_measured_figures() -> None:
    assert [shown(text) for text in TEXTS] == TEXTS, "write again: python -m tests.architecture.measurements"


def test_every_measured_part_is_shown_once() -> None:
    named = [name for text in TEXTS for _, names, _ in SHOWN.findall(text) for name in names.split()]
    assert len(named) == len(set(named))
    assert set(parts()) <= set(named)


def test_every_measured_part_has_a_date_a_command_and_figures() -> None:
    for part in parts().values():
        assert date.fromisoformat(part["date"]) <= date.today()  # noqa: DTZ011  # a day
        assert "make bench" in part["command"] or "tests.bench" in part["command"]
        assert part["figures"]


def test_table_has_a_row_for_each_figure_and_its_source() -> None:
    known = {"relay": {"date": "2026-11-28", "command": "ONLY=relay make bench", "figures": [ROW]}}
    text = table(known, ["relay"])
    assert "| relay | 37,000 events/s | 98,000 | 0.41 | 0.38, 0.42 | ratio >= 0.5 | **no** |" in text
    assert "* 2026-11-28: `ONLY=relay make bench`" in text
    assert table({}, ["relay"]) == "Not measured yet: `ONLY=relay make bench`.\n"
