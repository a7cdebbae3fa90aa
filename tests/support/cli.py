"""Runs the command `samenspel` in this process."""

import orjson
from samenspel.cli.app import build
from samenspel.contracts.examples import EXAMPLES
from typer.testing import CliRunner, Result

OIN = "00000099000000000344"
NOWHERE = "127.0.0.1:1"


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(build(), arguments, input=given)


def line(fact: str = "initiative-registered", **changes: object) -> str:
    return orjson.dumps({"type": fact, "data": {**EXAMPLES[fact], **changes}}).decode() + "\n"
