"""The receiver: accepts signed deliveries, recognises repeats, and fails on request."""

from datetime import UTC, datetime

import aiohttp
import pytest
from samenspel.client.read.webhook_receiver import ReceivedDelivery, WebhookReceiver, require_secret
from standardwebhooks import Webhook

from services.notifier.endpoints.signing import new_secret, signed_headers

BODY = b'{"id":"1","type":"nl.samenspel.grant-awarded.v1"}'


async def post(receiver: WebhookReceiver, sent: dict[str, str], body: bytes = BODY) -> int:
    async with aiohttp.ClientSession() as http, http.post(receiver.url, data=body, headers=sent) as response:
        return response.status


async def test_signed_event_is_accepted_and_its_repeat_recognised() -> None:
    secret = new_secret()
    signed = signed_headers([Webhook(secret)], "1", datetime.now(UTC), BODY)
    async with WebhookReceiver(secret) as receiver:
        assert [await post(receiver, signed), await post(receiver, signed)] == [204, 204]
        assert [received.repeated for received in receiver.verified] == [False, True]
        assert [event["id"] for event in receiver.events] == ["1"]


async def test_unsigned_event_is_refused() -> None:
    secret = new_secret()
    signed = signed_headers([Webhook(secret)], "1", datetime.now(UTC), BODY)
    async with WebhookReceiver(secret) as receiver:
        for sent in ({}, {**signed, "webhook-id": "2"}, {**signed, "webhook-signature": "nonsense"}):
            assert await post(receiver, sent) == 401
        assert (receiver.refused, receiver.verified) == (3, [])


async def test_receiver_fails_as_often_as_configured() -> None:
    secret = new_secret()
    signed = signed_headers([Webhook(secret)], "1", datetime.now(UTC), BODY)
    async with WebhookReceiver(secret, fail=2) as receiver:
        assert [await post(receiver, signed) for _ in range(3)] == [503, 503, 204]


async def test_receiver_without_a_secret_accepts_nothing() -> None:
    async with WebhookReceiver() as receiver:
        assert await post(receiver, signed_headers([Webhook(new_secret())], "1", datetime.now(UTC), BODY)) == 503


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"1"])
async def test_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    secret = new_secret()
    async with WebhookReceiver(secret) as receiver:
        assert await post(receiver, signed_headers([Webhook(secret)], "1", datetime.now(UTC), body), body) == 400
        assert receiver.verified == []


async def test_output_that_nobody_reads_ends_the_wait() -> None:
    """As of ``samenspel receive | head -1``: the sender would otherwise repeat the delivery for ever."""

    def fail(_: ReceivedDelivery) -> None:
        raise BrokenPipeError

    secret = new_secret()
    async with WebhookReceiver(secret, on_delivery=fail) as receiver:
        assert await post(receiver, signed_headers([Webhook(secret)], "1", datetime.now(UTC), BODY)) == 204
        with pytest.raises(BrokenPipeError):
            await receiver.wait_for(2)


@pytest.mark.parametrize("secret", ["", "x", "whsec_", "whsec_!", "\u00e9"])
def test_secret_that_cannot_sign_is_told(secret: str) -> None:
    assert require_secret(new_secret())
    with pytest.raises(ValueError, match="cannot sign"):
        require_secret(secret)
