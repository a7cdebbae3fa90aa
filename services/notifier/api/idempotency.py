"""Idempotency keys: a request that is sent again has the effect and the result of the first request.

Header ``Idempotency-Key`` (IETF draft-ietf-httpapi-idempotency-key-header). Keys are kept for 24 hours.
"""

import re
from hashlib import sha256
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from fastapi import HTTPException, Request
from samenspel.runtime.postgres import Connection, Pool

from services.notifier.endpoints.signing import SecretBox
from services.notifier.store import idempotency

NAMESPACE: Final = uuid5(NAMESPACE_URL, "https://samenspel.example/idempotency-keys")
HEADER: Final = "idempotency-key"
_KEY: Final = re.compile(r"[!-~]{1,255}")


def key_in(request: Request) -> str | None:
    """The key of a request, None without the header. Raises 400 for an invalid key."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise HTTPException(400, "send one Idempotency-Key of 1 to 255 printable ASCII characters, such as a UUID")
    return given[0]


def subscription_id_for(organisation: str, key: str | None) -> str:
    """The id of a new subscription. A key always gives the same id, also after a restore of the database."""
    return str(uuid4() if key is None else uuid5(NAMESPACE, f"{organisation}\n{key}"))


def submission_id_for(subscription_id: str, key: str | None) -> str:
    """The id of the submission that creates the subscription. Published ids depend on no private value."""
    return str(uuid4() if key is None else uuid5(UUID(subscription_id), "subscription-created"))


async def secret_for(
    connection: Connection | Pool,
    box: SecretBox,
    organisation: str,
    key: str | None,
    operation: str,
    secret: str | None,
) -> tuple[str | None, bool]:
    """The secret that the first request with this key has chosen, and whether this request is the first.

    ``operation`` is the request without volatile parts. Raises 422 for a key of another request (IETF draft §2.7),
    and 429 for too many keys.
    """
    if key is None:
        return secret, True
    encrypted = None if secret is None else box.encrypt(secret)
    try:
        claim = await idempotency.claim_key(
            connection, organisation, key, sha256(operation.encode()).digest(), encrypted
        )
    except idempotency.KeyLimitReached as refusal:
        raise HTTPException(429, str(refusal), {"Retry-After": "3600"}) from None
    if claim.request != sha256(operation.encode()).digest():
        raise HTTPException(422, "this Idempotency-Key was used for another request; send a new key")
    return None if claim.secret is None else box.decrypt(claim.secret), claim.is_first
