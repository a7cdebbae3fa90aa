"""What you now have: the end of the demo for people."""

from collections.abc import Iterator
from typing import Final, Literal

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from samenspel.client.access.profile import Credential, System

from deploy.demo.outcome import DemoReport
from deploy.demo.story import Story

DIGEST_DIGITS: Final = 16
"""How much of a digest is shown: enough to see that copies differ."""


def result_tables(outcome: DemoReport, story: Story) -> Iterator[RenderableType]:
    """Addresses, a credential (whole: it opens a local system only), money, copies and deliveries."""
    profile = story.system.profile
    yield _addresses(profile.system(), profile.credential(story.reference_party.oin))
    yield _programmes(outcome)
    yield _replicas(outcome)
    yield _deliveries(outcome)


def next_commands(story: Story) -> Iterator[str]:
    """Three commands: say something, see it arrive in a copy, and ask why an application was refused."""
    utrecht = story.reference_party.oin
    example = "samenspel catalogue initiative-registered --example"
    yield f"{example} | samenspel emit - --as {utrecht} --wait"
    yield f"samenspel replica sync --db {story.replicas.file_of(story.reference_party)} --as {utrecht}"
    for refused, _ in story.refusals()[:1]:
        yield f"samenspel funding explain {refused}"


def millions_of_euros(cents: int) -> str:
    """Millions of euros, as the sources write them: their amounts are whole tenths of millions."""
    return f"€ {cents / 100_000_000:,.1f} M"


def _addresses(system: System, credential: Credential) -> Table:
    table = _table("What you now have")
    table.add_row(
        "Kafka", f"{system.kafka.bootstrap}  {system.kafka.security_protocol} {system.kafka.sasl_mechanism}"
    )
    for service, url in system.http.items():
        table.add_row(service, url)
    table.add_row("credential", escape(f"{credential.name}, OIN {credential.oin}"))
    table.add_row("  user", escape(credential.username))
    table.add_row("  password", escape(credential.password))
    table.add_row("  token", "samenspel status --json")
    return table


def _programmes(outcome: DemoReport) -> Table:
    table = _table("Programmes, as the copy of Utrecht has them", "ceiling", "granted", "left", align="right")
    for each in outcome.programmes:
        left = each.ceiling_cents - each.granted_cents
        table.add_row(
            escape(each.name), *(millions_of_euros(cents) for cents in (each.ceiling_cents, each.granted_cents, left))
        )
    table.add_row("refused, with an explanation", "", "", str(outcome.refused))
    return table


def _replicas(outcome: DemoReport) -> Table:
    table = _table("Copies", "sequence", "digest", "")
    for each in outcome.replicas:
        verdict = "[green]equal[/]" if each.equal else "[red]not equal[/]"
        table.add_row(escape(each.organisation), str(each.events), f"{each.digest[:DIGEST_DIGITS]}…", verdict)
    return table


def _deliveries(outcome: DemoReport) -> Table:
    table = _table("Deliveries")
    table.add_row("webhooks to BTG", f"{outcome.deliveries.sent} sent, {outcome.deliveries.verified} verified")
    table.add_row("killed half-way", f"{outcome.killed}, which came back by itself")
    return table


def _table(title: str, *columns: str, align: Literal["left", "right"] = "left") -> Table:
    """Without columns it is a list of names and values; these are whole, so that they can be copied."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=bool(columns))
    table.add_column("", no_wrap=not columns)
    for column in columns or ("",):
        table.add_column(column, justify=align, no_wrap=bool(columns), overflow="fold")
    return table
