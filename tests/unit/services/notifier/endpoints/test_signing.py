"""Signatures that any Standard Webhooks library verifies, and secrets that the database cannot tell."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc.errors import JoseError
from standardwebhooks import Webhook, WebhookVerificationError

from services.notifier.endpoints.signing import SecretBox, headers, new_secret

BODY = '{"id":"1","data":{"naam":"’s-Hertogenbosch"}}'.encode()


def test_the_library_verifies_what_is_signed() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, headers([secret], "1", datetime.now(UTC), BODY))["id"] == "1"


def test_another_body_secret_or_id_is_not_verified() -> None:
    secret, now = new_secret(), datetime.now(UTC)
    signed = headers([secret], "1", now, BODY)
    for verifier, given, body in (
        (Webhook(secret), signed, BODY + b" "),
        (Webhook(new_secret()), signed, BODY),
        (Webhook(secret), {**signed, "webhook-id": "2"}, BODY),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, given)


def test_an_attempt_that_is_made_later_is_signed_anew() -> None:
    secret, now = new_secret(), datetime.now(UTC)
    first, second = headers([secret], "1", now, BODY), headers([secret], "1", now + timedelta(seconds=5), BODY)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_while_one_secret_takes_over_from_another_both_verify() -> None:
    old, new = new_secret(), new_secret()
    signed = headers([new, old], "1", datetime.now(UTC), BODY)
    assert Webhook(old).verify(BODY, signed) == Webhook(new).verify(BODY, signed)


def test_a_sealed_secret_shows_nothing_and_opens_under_its_own_key_only() -> None:
    secret = new_secret()
    sealed = SecretBox("one").encrypt(secret)
    assert secret.removeprefix("whsec_") not in sealed
    assert SecretBox("one").decrypt(sealed) == secret
    with pytest.raises(JoseError):
        SecretBox("another").decrypt(sealed)
