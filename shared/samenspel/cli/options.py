"""Options that several commands share, so that they are called and explained the same everywhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from samenspel.client.access.profile import Profile, ProfileError

AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON on stdout.")]
As = Annotated[
    str,
    typer.Option("--as", envvar="SAMENSPEL_AS", metavar="OIN|NAME", help="The organisation that you speak for."),
]
MaybeAs = Annotated[
    str | None,
    typer.Option("--as", envvar="SAMENSPEL_AS", metavar="OIN|NAME", help="As whom to read; any will do."),
]
AsOperator = Annotated[str, typer.Option("--as", envvar="SAMENSPEL_AS", help="The operator.")]
Via = Annotated[Literal["kafka", "http"], typer.Option(help="The door to use.")]
Database = Annotated[Path, typer.Option("--db", metavar="FILE", help="The replica: an SQLite file.")]


def reading_organisation(profile: Profile, named: str | None) -> str:
    """As whom to read: the one that was named, or the first one we can speak as; all may read the same."""
    if named:
        return profile.credential(named).oin
    known = profile.credentials()
    if not known:
        raise ProfileError(f"no organisation in {profile.folder}: `samenspel organisation admit` adds one")
    return known[0].oin
