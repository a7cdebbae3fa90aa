"""Progress bars: one line per piece."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from deploy.local import progress


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, piece: str, doing: str, share: float) -> None:
        if piece not in self._tasks:
            self._tasks[piece] = self._bars.add_task(piece, total=1.0, doing=doing)
        self._bars.update(self._tasks[piece], completed=share, doing=doing)


@contextmanager
def progress_bars(console: Console) -> Iterator[progress.Progress]:
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<9}"),
        BarColumn(20),
        TextColumn("{task.fields[doing]}"),
    )
    with Progress(*columns, console=console) as shown:
        yield _Bars(shown)
