"""Every command named in the documents or printed by the product exists: commands, options and Makefile targets."""

import re
import shlex
from typing import Any

import pytest
import typer
from samenspel.cli.app import build

from tests.architecture.checkout import ROOT, product_files

TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *product_files()]
CODE = re.compile(r"^```.*?^```|`[^`\n]+`|^ {4}(?:samenspel|make) [^\n]+$", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^[ `]*(?:[A-Z_]+=\S+ )*(samenspel|make) ([^`\n]+?)(?: +#.*)?`?$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def typed(program: str) -> list[str]:
    """The arguments after this program's name, wherever a document or message shows a command line; without pipes."""
    pieces = [piece for text in TEXTS for piece in CODE.findall(text.read_text())]
    found = [each for piece in pieces for each in TYPED.findall(piece)]
    return sorted({re.split(r" [|&]", rest)[0] for name, rest in found if name == program})


@pytest.mark.parametrize("line", typed("samenspel"))
def test_documented_command_exists_with_its_options(line: str) -> None:
    command: Any = typer.main.get_command(build())
    rest = iter(shlex.split(line))
    while hasattr(command, "commands") and (word := next(rest, None)) is not None:
        assert word in command.commands
        command = command.commands[word]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in rest if word.startswith("--")} <= {*options, "--help"}


@pytest.mark.parametrize("line", typed("make"))
def test_documented_make_target_exists(line: str) -> None:
    assert line.split()[0] in TARGETS


def typed_in_blocks() -> list[str]:
    """Lines of fenced blocks that begin with ``samenspel``: a reader types these lines as written."""
    blocks = [block for text in TEXTS for block in FENCED.findall(text.read_text())]
    lines = [line.partition(" #")[0].partition(" | ")[0] for block in blocks for line in block.splitlines()]
    return sorted({line.removeprefix("samenspel ").strip() for line in lines if line.startswith("samenspel ")})


@pytest.mark.parametrize("line", typed_in_blocks())
def test_command_in_a_block_has_every_required_argument(line: str) -> None:
    command: Any = typer.main.get_command(build())
    words = shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("samenspel", words)
