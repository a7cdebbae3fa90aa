"""The published hash of a submission, in two forms, and the comparison of both forms with a content hash.

A submission whose whole data is published has the plain content hash (SHA-256). The plain hash of a submission with a
private part would let any reader try values of that part, such as every amount. The published hash of such a
submission is an HMAC-SHA-256 (RFC 2104) of the content hash, under a secret key of the owning service.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self

KEY_CHARS_MIN: Final = 32
LOST: Final = "lost:"
_ID_CHARS: Final = 12


class HashKeyMissing(LookupError):
    """A key of submission hashes is not in the settings; the text names the key and the remedy."""


class PublishedHash(NamedTuple):
    """A hash as in an event: 64 hex digits, and the id of the HMAC key; a plain hash has no key."""

    hash: str
    key_id: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """The hash in a stored answer."""
        return cls(answer["submissionhash"], answer.get("submissionhashkey", ""))

    def as_members(self) -> dict[str, str]:
        """The members ``submissionhash`` and ``submissionhashkey`` of a stored answer."""
        return {"submissionhash": self.hash, **({"submissionhashkey": self.key_id} if self.key_id else {})}


@dataclass(frozen=True, slots=True)
class HashKeys:
    """The HMAC keys of a service by id, the key in use first. Former keys stay, to compare former hashes.

    ``lost`` are the ids of keys that the operator declared lost for good: a hash under a lost key matches no content.
    """

    by_id: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    lost: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Keys from a setting: words of at least 32 characters, the key in use first; ``lost:<id>`` for a lost key.

        Raises `ValueError`, without any part of a key in the text.
        """
        words = text.split()
        keys = [word.encode() for word in words if not word.startswith(LOST)]
        if any(len(key) < KEY_CHARS_MIN for key in keys):
            raise ValueError(f"a key has at least {KEY_CHARS_MIN} characters; keys are separated by white space")
        lost = frozenset(word.removeprefix(LOST) for word in words if word.startswith(LOST))
        return cls({key_id_of(key): key for key in keys}, lost)

    def require_current(self) -> str:
        """Id of the key in use. Raises `HashKeyMissing`."""
        for key_id in self.by_id:
            return key_id
        raise HashKeyMissing(
            "the setting submission_hash_keys has no key: restore the key from the backup of secrets"
        )

    def published(self, content_hash: bytes, *, has_private_part: bool) -> PublishedHash:
        """The published form of a content hash. Raises `HashKeyMissing`."""
        if not has_private_part:
            return PublishedHash(content_hash.hex())
        key_id = self.require_current()
        return PublishedHash(_hmac(self.by_id[key_id], content_hash), key_id)

    def matches(self, known: PublishedHash, content_hash: bytes) -> bool:
        """Whether ``known``, in either form, is the hash of this content. Raises `HashKeyMissing`."""
        if not known.key_id:
            return hmac.compare_digest(known.hash, content_hash.hex())
        if known.key_id in self.lost:
            return False
        if known.key_id not in self.by_id:
            raise HashKeyMissing(missing_key(known.key_id))
        return hmac.compare_digest(known.hash, _hmac(self.by_id[known.key_id], content_hash))

    def knows(self, key_id: str) -> bool:
        return key_id in self.by_id or key_id in self.lost


def missing_key(key_id: str) -> str:
    """The problem of a missing former key, for an operator."""
    return (
        f"key {key_id} of submission hashes is missing: add the key to submission_hash_keys from the backup of "
        f"secrets, or declare the key lost with {LOST}{key_id}"
    )


def key_id_of(key: bytes) -> str:
    """The id of a key, computed from the key: no key can have the id of another key."""
    return sha256(b"samenspel submission hash key\n" + key).hexdigest()[:_ID_CHARS]


def _hmac(key: bytes, content_hash: bytes) -> str:
    return hmac.new(key, content_hash, sha256).hexdigest()
