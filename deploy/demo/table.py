"""Printed results of the demo: tables, and commands to try."""

from collections.abc import Iterator
from typing import Final, Literal

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from samenspel.client.access.profile import Credential, System

from deploy.demo.outcome import DemoReport
from deploy.demo.story import Story

DIGEST_DIGITS: Final = 16
"""Number of printed digits of a digest: enough to distinguish replicas."""


def result_tables(outcome: DemoReport, story: Story) -> Iterator[RenderableType]:
    """Tables of addresses, programmes, replicas and deliveries.

    The credential is printed in full, because a credential of a local system is valid on this machine only.
    """
    profile = story.system.profile
    yield _addresses(profile.system(), profile.credential(story.witness.oin))
    yield _programmes(outcome)
    yield _replicas(outcome)
    yield _deliveries(outcome)


def next_commands(story: Story) -> Iterator[str]:
    """Three commands: submit an event, synchronise a replica, and explain a refusal."""
    utrecht = story.witness.oin
    example = "samenspel catalogue initiative-registered --example"
    yield f"{example} | samenspel emit - --as {utrecht} --wait"
    yield f"samenspel replica sync --db {story.replicas.file_of(story.witness)} --as {utrecht}"
    for refused, _ in story.refusals()[:1]:
        yield f"samenspel funding explain {refused}"


def millions_of_euros(cents: int) -> str:
    """Millions of euros with one decimal, as in the sources."""
    return f"€ {cents / 100_000_000:,.1f} M"


def _addresses(system: System, credential: Credential) -> Table:
    table = _table("Addresses and a credential")
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
    table = _table("Programmes in the replica of Utrecht", "ceiling", "granted", "available", align="right")
    for each in outcome.programmes:
        available = each.ceiling_cents - each.granted_cents
        table.add_row(
            escape(each.name),
            *(millions_of_euros(cents) for cents in (each.ceiling_cents, each.granted_cents, available)),
        )
    table.add_row("refused, with an explanation", "", "", str(outcome.refused))
    return table


def _replicas(outcome: DemoReport) -> Table:
    table = _table("Replicas", "events", "digest", "")
    for each in outcome.replicas:
        verdict = "[green]equal[/]" if each.equal else "[red]not equal[/]"
        table.add_row(escape(each.organisation), str(each.events), f"{each.digest[:DIGEST_DIGITS]}…", verdict)
    return table


def _deliveries(outcome: DemoReport) -> Table:
    table = _table("Deliveries")
    table.add_row("webhooks to BTG", f"{outcome.deliveries.sent} sent, {outcome.deliveries.verified} verified")
    table.add_row("killed service", f"{outcome.killed}, restarted by the supervisor")
    return table


def _table(title: str, *columns: str, align: Literal["left", "right"] = "left") -> Table:
    """A table. Without ``columns``: a list of names and values, printed in full for copying."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=bool(columns))
    table.add_column("", no_wrap=not columns)
    for column in columns or ("",):
        table.add_column(column, justify=align, no_wrap=bool(columns), overflow="fold")
    return table
