import typer


def main() -> None:
    typer.echo("samenspel")
