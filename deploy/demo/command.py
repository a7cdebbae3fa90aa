"""``samenspel demo``: real programmes played through all parties, one failure included."""

import asyncio
import time
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from deploy.demo.outcome import DemoReport
from deploy.demo.sample import Sample
from deploy.demo.story import Story
from deploy.demo.table import to_try, what_you_now_have
from deploy.local.cli.bars import bars
from deploy.local.errors import LocalSystemError
from deploy.local.home import Home
from deploy.local.system import LocalSystem

app = typer.Typer()
talk: Final = Console(stderr=True, highlight=False, soft_wrap=True)
data: Final = Console(highlight=False)


@app.command()
def demo(as_json: Annotated[bool, typer.Option("--json", help="For programs: one object.")] = False) -> None:
    """Play real Regio Deals through all parties, one failure included. Ends with 1 when anything does not hold."""
    began = time.monotonic()
    sample = Sample.read()
    story = Story(LocalSystem(Home.find().path), sample, lambda sentence: _tell(sentence, began))
    try:
        with bars(talk) as progress:
            story.system.start(progress=progress)
        outcome = asyncio.run(story.play(began))
    except LocalSystemError as error:
        talk.print(escape(str(error)))
        raise typer.Exit(error.exit_code) from None
    if as_json:
        print(outcome.model_dump_json())
    else:
        _show(outcome, story)
    faults = list(outcome.faults(sample.ceiling_of))
    for fault in faults:
        talk.print(f"[red]does not hold:[/] {escape(fault)}")
    talk.print(f"{outcome.seconds:.0f} s. The system stays up; `samenspel down` stops it.")
    raise typer.Exit(1 if faults else 0)


def _show(outcome: DemoReport, story: Story) -> None:
    for part in what_you_now_have(outcome, story):
        data.print()
        data.print(part)
    data.print("\n[bold]Try next[/]")
    for command in to_try(story):
        data.print(f"  {command}", markup=False, soft_wrap=True)


def _tell(sentence: str, began: float) -> None:
    talk.print(f"[dim]{time.monotonic() - began:4.0f} s[/]  {escape(sentence)}")
