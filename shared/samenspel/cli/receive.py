"""``samenspel receive``: a webhook receiver on this machine, to see what a subscription is told."""

import asyncio
import secrets
from base64 import b64encode
from contextlib import suppress
from typing import Annotated, Final

import orjson
import typer

from samenspel.cli.console import Exit, end, talk
from samenspel.client.read.webhook_receiver import ReceivedDelivery, WebhookReceiver

SECRET_BYTES: Final = 32


def receive(
    port: Annotated[int, typer.Option(help="Where to listen; 0: any free one.", min=0, max=65_535)] = 0,
    secret: Annotated[
        str | None,
        typer.Option(envvar="SAMENSPEL_WEBHOOK_SECRET", help="The subscription's whsec_…; without one it is made."),
    ] = None,
    count: Annotated[int | None, typer.Option(help="End after so many different events.", min=1)] = None,
    fail: Annotated[int, typer.Option(help="Answer 503 to the first so many, to see them come again.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as it came, one a line.")] = False,
) -> None:
    """Receive webhooks here, verify their signatures, print each event. Ends with 1 when a signature was wrong."""
    shared = secret or "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    receiver = WebhookReceiver(shared, port=port, fail=fail, told=_print_json if as_json else _print_line)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(receiver, count, made=secret is None))
    events = len(receiver.events)
    repeats = len(receiver.verified) - events
    talk.print(f"{events} verified, {repeats} repeated, {receiver.failed} failed, {receiver.refused} refused")
    raise typer.Exit(Exit.NO if receiver.refused else Exit.OK)


async def _serve(receiver: WebhookReceiver, count: int | None, *, made: bool) -> None:
    try:
        async with receiver:
            talk.print(f"listening on {receiver.url}")
            if made:
                talk.print("subscribe with POST /v1/subscriptions of the notifier, and in its body")
                talk.print(orjson.dumps({"endpoint": receiver.url, "secret": receiver.secret}).decode())
            await (asyncio.Event().wait() if count is None else receiver.wait_for(count))
    except OSError as error:
        end(
            Exit.SURROUNDINGS,
            f"cannot listen on port {receiver.port}: {error.strerror}; choose another with --port",
        )


def _print_json(received: ReceivedDelivery) -> None:
    if not received.repeated:
        print(orjson.dumps(received.event).decode(), flush=True)


def _print_line(received: ReceivedDelivery) -> None:
    event = received.event
    sequence = str(event.get("sequence", "")).lstrip("0")
    again = "  (came before)" if received.repeated else ""
    place = f"{event.get('lane', '')} #{sequence}"
    print(f"{event.get('time', '')}  {event.get('type', '')}  {event.get('subject', '')}  {place}{again}", flush=True)
