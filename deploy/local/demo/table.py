"""What you now have: the end of the demo for people."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from samenspel.client.profile import Credential, System

from deploy.local.demo.outcome import Outcome
from deploy.local.demo.story import Story

DIGITS: Final = 16
"""How much of a digest is shown: enough to see that copies differ."""


def what_you_now_have(outcome: Outcome, story: Story) -> RenderableType:
    """Addresses, a credential (whole: it opens a local system only), money, copies, and what to try next."""
    profile = story.system.profile
    parts = (
        _addresses(profile.system(), profile.credential(story.witness.oin)),
        _programmes(outcome),
        _replicas(outcome),
        _deliveries(outcome),
        _commands(to_try(story)),
    )
    return Group(*_spaced(parts))


def to_try(story: Story) -> tuple[str, ...]:
    """Three commands: say something, ask why something was refused, and prove a copy."""
    funding = story.system.profile.system().http["funding"]
    copy = story.replicas.file_of(story.witness)
    refused, _ = story.refusals()[0]
    return (
        f"samenspel catalogue initiative-registered --example | samenspel emit - --as {story.witness.oin} --wait",
        f"curl -s {funding}/v1/applications/{refused}",
        f"samenspel replica verify --db {copy}",
    )


def euros(cents: int) -> str:
    """Millions of euros, as the sources write them; exact, for these amounts are whole tenths of millions."""
    return f"{cents / 100_000_000:,.1f} M"


def _spaced(parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    for part in parts:
        yield Text()
        yield part


def _addresses(system: System, credential: Credential) -> Table:
    table = _table("What you now have", "", "")
    table.add_row(
        "Kafka", f"{system.kafka.bootstrap} ({system.kafka.security_protocol}, {system.kafka.sasl_mechanism})"
    )
    for service, url in system.http.items():
        table.add_row(service, url)
    table.add_row("a credential", escape(f"{credential.name}, OIN {credential.oin}"))
    table.add_row("", escape(f"user {credential.username}, password {credential.password}"))
    return table


def _programmes(outcome: Outcome) -> Table:
    table = _table("Programmes, from the copy of Utrecht", "", "ceiling", "granted", "left", right=(1, 2, 3))
    for each in outcome.programmes:
        left = euros(each.ceiling_cents - each.granted_cents)
        table.add_row(escape(each.name), euros(each.ceiling_cents), euros(each.granted_cents), left)
    table.add_row(f"refused, with an explanation: {outcome.refused}")
    return table


def _replicas(outcome: Outcome) -> Table:
    table = _table("Copies", "", "events", "digest", "", right=(1,))
    for each in outcome.replicas:
        mark = "[green]equal[/]" if each.equal else "[red]diverged[/]"
        table.add_row(escape(each.organisation), str(each.events), f"{each.digest[:DIGITS]}…", mark)
    return table


def _deliveries(outcome: Outcome) -> Text:
    told = outcome.deliveries
    return Text(f"Deliveries: {told.sent} sent, {told.verified} verified. Killed and back: {outcome.killed}.")


def _commands(commands: Sequence[str]) -> Group:
    return Group(Text("Try next", style="bold"), *(Text(f"  {command}", overflow="fold") for command in commands))


def _table(title: str, *columns: str, right: Sequence[int] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=any(columns))
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at in right else "left", no_wrap=True)
    return table
