"""The receiver: accepts signed deliveries, recognises repeats, and fails on request."""

from datetime import UTC, datetime

import aiohttp
from samenspel.client.read.webhook_receiver import WebhookReceiver
from standardwebhooks import Webhook

from services.notifier.endpoints.signing import new_secret, signed_headers

BODY = b'{"id":"1","type":"nl.samenspel.grant-awarded.v1"}'


async def post(receiver: WebhookReceiver, sent: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as http, http.post(receiver.url, data=BODY, headers=sent) as response:
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
