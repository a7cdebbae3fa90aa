"""Progress bars: one line per component."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from deploy.local import progress


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, component: str, activity: str, share: float) -> None:
        if component not in self._tasks:
            self._tasks[component] = self._bars.add_task(component, total=1.0, activity=activity)
        self._bars.update(self._tasks[component], completed=share, activity=activity)


@contextmanager
def progress_bars(console: Console) -> Iterator[progress.Progress]:
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<9}"),
        BarColumn(20),
        TextColumn("{task.fields[activity]}"),
    )
    with Progress(*columns, console=console) as shown:
        yield _Bars(shown)
