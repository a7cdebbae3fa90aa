"""Signatures valid for any Standard Webhooks library, and secrets unreadable in the database."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc.errors import JoseError
from standardwebhooks import Webhook, WebhookVerificationError

from services.notifier.endpoints import signing
from services.notifier.endpoints.signing import SecretBox, new_secret, require_signing_secret, signed_headers

BODY = '{"id":"1","data":{"naam":"’s-Hertogenbosch"}}'.encode()


def test_signature_is_verified_by_the_standard_library_of_webhooks() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, signed_headers([Webhook(secret)], "1", datetime.now(UTC), BODY))["id"] == "1"


def test_another_body_secret_or_id_is_not_verified() -> None:
    secret, now = new_secret(), datetime.now(UTC)
    signed = signed_headers([Webhook(secret)], "1", now, BODY)
    for verifier, given, body in (
        (Webhook(secret), signed, BODY + b" "),
        (Webhook(new_secret()), signed, BODY),
        (Webhook(secret), {**signed, "webhook-id": "2"}, BODY),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, given)


@pytest.mark.parametrize(
    "secret",
    [new_secret(), "whsec_" + "A" * 32, "whsec_" + "A" * 86 + "=="],
    ids=["new", "24 bytes", "64 bytes"],
)
def test_secret_that_signs_is_usable(secret: str) -> None:
    assert require_signing_secret(secret) == secret


@pytest.mark.parametrize("secret", ["whsec_" + "A" * 33, "whsec_" + "A" * 37, "whsec_é"])
def test_secret_that_cannot_sign_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="cannot sign"):
        require_signing_secret(secret)


def test_later_attempt_has_its_own_signature() -> None:
    secret, now = new_secret(), datetime.now(UTC)
    first, second = (
        signed_headers([Webhook(secret)], "1", now, BODY),
        signed_headers([Webhook(secret)], "1", now + timedelta(seconds=5), BODY),
    )
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_both_secrets_verify_during_a_rotation() -> None:
    old, new = new_secret(), new_secret()
    signed = signed_headers([Webhook(new), Webhook(old)], "1", datetime.now(UTC), BODY)
    assert Webhook(old).verify(BODY, signed) == Webhook(new).verify(BODY, signed)


def test_encrypted_secret_is_decrypted_by_its_own_key_only() -> None:
    secret = new_secret()
    sealed = SecretBox("one").encrypt(secret)
    assert secret.removeprefix("whsec_") not in sealed
    assert SecretBox("one").decrypt(sealed) == secret
    with pytest.raises(JoseError):
        SecretBox("another").decrypt(sealed)


def test_secret_in_memory_never_outlives_its_rotation() -> None:
    """A replaced secret has another encrypted text, and the database names the texts that sign now."""
    box, (old, new) = SecretBox("one"), (new_secret(), new_secret())
    for secret in (old, new, old):
        signed = signed_headers([box.signer(box.encrypt(secret))], "1", datetime.now(UTC), BODY)
        assert Webhook(secret).verify(BODY, signed)


def test_secret_is_decrypted_once_for_all_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    box, decrypted = SecretBox("one"), []
    sealed = box.encrypt(new_secret())
    original = box.decrypt
    monkeypatch.setattr(SecretBox, "decrypt", lambda self, text: decrypted.append(text) or original(text))
    assert box.signer(sealed) is box.signer(sealed)
    assert decrypted == [sealed]


def test_number_of_secrets_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGNERS_MAX", 3)
    box = SecretBox("one")
    first = box.encrypt(new_secret())
    signer = box.signer(first)
    for _ in range(3):
        box.signer(box.encrypt(new_secret()))
    assert box.signer(first) is not signer
