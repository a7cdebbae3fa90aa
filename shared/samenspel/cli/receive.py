"""``samenspel receive``: a local webhook receiver that shows the deliveries of a subscription."""

import asyncio
import secrets
from base64 import b64encode
from contextlib import AsyncExitStack, suppress
from math import inf
from typing import Annotated, Final

import orjson
import typer

from samenspel.cli.console import Exit, exit_with, print_json_line, print_line, print_message
from samenspel.client.read.webhook_receiver import ReceivedDelivery, WebhookReceiver, require_secret

SECRET_BYTES: Final = 32


def receive(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free port.", min=0, max=65_535)] = 0,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="SAMENSPEL_WEBHOOK_SECRET", help="Secret of the subscription, whsec_… (default: a new secret)."
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="End after this number of different events.", min=1)] = None,
    fail: Annotated[
        int, typer.Option(help="Answer 503 to this number of deliveries first, to see retries.", min=0)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as JSON, one per line.")] = False,
) -> None:
    """Receive webhooks, verify their signatures, and print each event. Exit code 1 if a signature was invalid."""
    try:
        shared = require_secret(secret or "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode())
    except ValueError as error:
        exit_with(Exit.USAGE, f"--secret: {error}")
    receiver = WebhookReceiver(shared, port=port, fail=fail, on_delivery=_print_json if as_json else _print_line)
    with suppress(KeyboardInterrupt):
        asyncio.run(_run_receiver(receiver, count, new_secret=secret is None))
    events = len(receiver.events)
    repeats = len(receiver.verified) - events
    print_message(f"{events} verified, {repeats} repeated, {receiver.failed} failed, {receiver.refused} refused")
    raise typer.Exit(Exit.FAILED if receiver.refused else Exit.OK)


async def _run_receiver(receiver: WebhookReceiver, count: int | None, *, new_secret: bool) -> None:
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(receiver)
        except OSError as error:
            exit_with(
                Exit.ENVIRONMENT,
                f"cannot listen on port {receiver.port}: {error.strerror}; choose another with --port",
            )
        print_message(f"listening on {receiver.url}")
        if new_secret:
            print_message("subscribe with POST /v1/subscriptions of the notifier and this body:")
            print_message(orjson.dumps({"endpoint": receiver.url, "secret": receiver.secret}).decode())
        await receiver.wait_for(inf if count is None else count)


def _print_json(received: ReceivedDelivery) -> None:
    if not received.repeated:
        print_json_line(orjson.dumps(received.event))


def _print_line(received: ReceivedDelivery) -> None:
    event = received.event
    sequence = str(event.get("sequence", "")).lstrip("0")
    repeat = "  (repeat)" if received.repeated else ""
    position = f"{event.get('lane', '')} #{sequence}"
    print_line(f"{event.get('time', '')}  {event.get('type', '')}  {event.get('subject', '')}  {position}{repeat}")
