"""``samenspel up | down | status | doctor | reset``."""

import typer

app = typer.Typer()
