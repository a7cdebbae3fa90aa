"""``samenspel demo``: real programmes through all parties, including one killed service."""

import asyncio
import time
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from deploy.demo.outcome import DemoReport
from deploy.demo.sample import Sample
from deploy.demo.story import Story
from deploy.demo.table import next_commands, result_tables
from deploy.local.cli.bars import progress_bars
from deploy.local.errors import LocalSystemError
from deploy.local.home import Home
from deploy.local.system import LocalSystem

app = typer.Typer()
messages: Final = Console(stderr=True, highlight=False, soft_wrap=True)
output: Final = Console(highlight=False)


@app.command()
def demo(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Run real Regio Deals through all parties, including one killed service. Exit code 1 if a check fails."""
    began = time.monotonic()
    sample = Sample.read()
    story = Story(LocalSystem(Home.find().path), sample, lambda sentence: _print_message(sentence, began))
    try:
        with progress_bars(messages) as progress:
            story.system.start(progress=progress)
        outcome = asyncio.run(story.run(began))
    except LocalSystemError as error:
        messages.print(escape(str(error)))
        raise typer.Exit(error.exit_code) from None
    if as_json:
        print(outcome.model_dump_json())
    else:
        _print_results(outcome, story)
    faults = list(outcome.faults(sample.ceiling_of))
    for fault in faults:
        messages.print(f"[red]check failed:[/] {escape(fault)}")
    messages.print(f"{outcome.seconds:.0f} s. The system keeps running; `samenspel down` stops the system.")
    raise typer.Exit(1 if faults else 0)


def _print_results(outcome: DemoReport, story: Story) -> None:
    for part in result_tables(outcome, story):
        output.print()
        output.print(part)
    output.print("\n[bold]Next commands to try[/]")
    for command in next_commands(story):
        output.print(f"  {command}", markup=False, soft_wrap=True)


def _print_message(sentence: str, began: float) -> None:
    messages.print(f"[dim]{time.monotonic() - began:4.0f} s[/]  {escape(sentence)}")
