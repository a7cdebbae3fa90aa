"""Options shared by several commands: one name and one help text each."""

from pathlib import Path
from typing import Annotated

import typer

from samenspel.client.access.profile import Profile, ProfileError
from samenspel.client.submit.emit import Via

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for programs.")]
As = Annotated[
    str,
    typer.Option("--as", envvar="SAMENSPEL_AS", metavar="OIN|NAME", help="Organisation to act as."),
]
MaybeAs = Annotated[
    str | None,
    typer.Option(
        "--as",
        envvar="SAMENSPEL_AS",
        metavar="OIN|NAME",
        help="Organisation to read as (default: the first in the profile).",
    ),
]
AsOperator = Annotated[str, typer.Option("--as", envvar="SAMENSPEL_AS", help="Operator to act as.")]
ViaOption = Annotated[Via, typer.Option(help="Transport: Kafka or HTTP.")]
Database = Annotated[Path, typer.Option("--db", metavar="FILE", readable=False, help="Replica: an SQLite file.")]
"""The command reports an unreadable file; Typer would report wrong usage."""


def reading_organisation(profile: Profile, name_or_oin: str | None) -> str:
    """OIN of the organisation to read as; every organisation reads the same lanes.

    Without a name, the first organisation in the profile. Raises ProfileError when the profile has none.
    """
    if name_or_oin is not None:
        return profile.credential(name_or_oin).oin
    known = profile.credentials()
    if not known:
        raise ProfileError(f"{profile.folder} has no organisation: `samenspel organisation admit` adds one")
    return known[0].oin
