"""Tokens without access: signed by the issuer's key, by a stranger's, or by no key."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from joserfc import jwe, jwt
from joserfc.jwk import ECKey, RSAKey
from samenspel.client.access.local_issuer import AUDIENCE, ISSUER

HOUR = 3_600
Claims = dict[str, Any]


@dataclass(frozen=True)
class Forger:
    """Has the issuer's key for tokens never signed by the issuer, and separate keys and a URL (``trap``)."""

    issuer: ECKey
    oin: str
    trap: str
    stranger: ECKey
    stranger_rsa: RSAKey

    @classmethod
    def at(cls, folder: Path, oin: str, trap: str) -> Self:
        issuer = ECKey.import_key(json.loads((folder / "key.json").read_text()))
        return cls(issuer, oin, trap, ECKey.generate_key("P-256"), RSAKey.generate_key(2048))

    @property
    def claims(self) -> Claims:
        now = int(time.time())
        return {"iss": ISSUER, "aud": AUDIENCE, "oin": self.oin, "iat": now, "exp": now + HOUR}

    def signed(self, changed: Mapping[str, Any] | None = None, without: str = "", **header: Any) -> str:
        """By the issuer, with these claims changed."""
        claims = {name: value for name, value in {**self.claims, **(changed or {})}.items() if name != without}
        return jwt.encode({"typ": "at+jwt", "alg": "ES256", "kid": self.issuer.kid, **header}, claims, self.issuer)

    def strange(self, **header: Any) -> str:
        """By a stranger, under the issuer's key id unless the header says another."""
        return self._by(self.stranger, "ES256", {"kid": self.issuer.kid, **header})

    def strange_rsa(self, algorithm: str) -> str:
        return self._by(self.stranger_rsa, algorithm, {"kid": self.issuer.kid})

    def unsigned(self, algorithm: str) -> str:
        return f"{self._head(alg=algorithm)}.{_part(self.claims)}."

    def with_public_key(self, algorithm: str, secret: bytes) -> str:
        """The algorithm confusion: the public key, which everybody has, as the secret of an HMAC."""
        text = f"{self._head(alg=algorithm, kid=self.issuer.kid)}.{_part(self.claims)}"
        digest = hmac.new(secret, text.encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
        return f"{text}.{_bytes(digest)}"

    def encrypted(self) -> str:
        """For the issuer's public key, which everybody has."""
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": self.issuer.kid}
        public = {
            name: value for name, value in self.issuer.as_dict(private=False).items() if name not in ("use", "alg")
        }
        return jwe.encrypt_compact(header, json.dumps(self.claims).encode(), ECKey.import_key(public))

    def _by(self, key: ECKey | RSAKey, algorithm: str, header: Mapping[str, Any]) -> str:
        header = {"typ": "at+jwt", "alg": algorithm, **header}
        # The signed text is assembled by hand: a library would not sign some of these headers.
        text = f"{_part({name: value for name, value in header.items() if value is not None})}.{_part(self.claims)}"
        signature = jwt.encode({"alg": algorithm}, {}, key, algorithms=[algorithm]).rpartition(".")[2]
        return f"{text}.{signature}"

    def _head(self, **header: Any) -> str:
        return _part({"typ": "at+jwt", **header})


def _part(value: Any) -> str:
    return _bytes(json.dumps(value).encode())


def _bytes(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def forgeries() -> Iterator[tuple[str, Callable[[Forger], str]]]:
    """The name and the maker of each forgery."""
    yield from _without_key()
    yield from _with_strange_key()
    yield from _with_wrong_claims()
    yield from _malformed()


def _without_key() -> Iterator[tuple[str, Callable[[Forger], str]]]:
    for algorithm in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {algorithm or 'empty'}", lambda forger, algorithm=algorithm: forger.unsigned(algorithm)
    for algorithm in ("HS256", "HS512"):
        for form in ("PEM", "DER"):
            yield (
                f"{algorithm} with the public key as {form}",
                lambda forger, algorithm=algorithm, form=form: forger.with_public_key(
                    algorithm, forger.issuer.as_bytes(encoding=form, private=False)
                ),
            )
    yield (
        "HS256 with the public key as JSON",
        lambda forger: forger.with_public_key("HS256", json.dumps(forger.issuer.as_dict(private=False)).encode()),
    )
    yield "encrypted instead of signed", Forger.encrypted


def _with_strange_key() -> Iterator[tuple[str, Callable[[Forger], str]]]:
    yield "another key under the issuer's id", Forger.strange
    yield "RS256 under the id of an EC key", lambda forger: forger.strange_rsa("RS256")
    yield "PS256 under the id of an EC key", lambda forger: forger.strange_rsa("PS256")
    yield "brings its key (jwk)", lambda forger: forger.strange(jwk=forger.stranger.as_dict(private=False))
    yield "says where its key is (jku)", lambda forger: forger.strange(jku=forger.trap, kid="theirs")
    yield "says where its certificate is (x5u)", lambda forger: forger.strange(x5u=forger.trap, kid="theirs")
    yield "an unknown critical header", lambda forger: forger.strange(crit=["bite"], bite=True)
    kids = {
        "a path": "../../../../dev/null",
        "an absolute path": "/dev/null",
        "a command": "key.json; touch x |",
        "SQL": "x' UNION SELECT 'key' --",
        "unknown": "nobody",
        "absent": None,
        "empty": "",
        "a number": 1,
        "a list": ["a"],
        "an object": {"a": 1},
        "of 5,000 characters": "k" * 5_000,
    }
    for name, kid in kids.items():
        yield f"kid: {name}", lambda forger, kid=kid: forger.strange(kid=kid)
    yield "kid: an address", lambda forger: forger.strange(kid=forger.trap)


def _with_wrong_claims() -> Iterator[tuple[str, Callable[[Forger], str]]]:
    now = int(time.time())
    wrong: dict[str, Claims] = {
        "another issuer": {"iss": "https://issuer.example"},
        "a list of issuers": {"iss": [ISSUER]},
        "another audience": {"aud": "somebody-else"},
        "no audience named": {"aud": []},
        "expired": {"exp": now - HOUR},
        "expiry as text": {"exp": str(now + HOUR)},
        "expiry as truth": {"exp": True},
        "not valid yet": {"nbf": now + HOUR},
        "issued in the future": {"iat": now + HOUR},
        "an OIN of 19 digits": {"oin": "0" * 19},
        "an OIN in other digits": {"oin": "٠" * 20},
        "an OIN with a line end": {"oin": "00000099000000000344\n"},
        "an OIN as a number": {"oin": 99},
        "a list of OINs": {"oin": ["00000099000000000344"]},
        "an empty OIN": {"oin": ""},
        "an OIN with a star": {"oin": "0000009900000000034*"},
    }
    for name, claims in wrong.items():
        yield name, lambda forger, claims=claims: forger.signed(claims)
    for kind in ("JWT", "id+jwt", "", "logout+jwt"):
        yield f"the type {kind!r}", lambda forger, kind=kind: forger.signed(typ=kind)
    for claim in ("iss", "aud", "exp", "oin"):
        yield f"no {claim}", lambda forger, claim=claim: forger.signed(without=claim)


def _malformed() -> Iterator[tuple[str, Callable[[Forger], str]]]:
    deep = _bytes(b"[" * 4_000)
    texts = {
        "a word": "token",
        "dots": "....",
        "three empty parts": "..",
        "no base64": "a.b.c!",
        "a list for a header": f"{_part([])}.{_part({})}.",
        "a deep header": f"{deep}.{_part({})}.e30",
        "no JSON": f"{_bytes(b'{')}.{_bytes(b'{')}.e30",
        "no UTF-8": f"{_bytes(bytes([0xFF, 0xFE]))}.e30.e30",
    }
    for name, text in texts.items():
        yield name, lambda forger, text=text: text
    yield "too long", lambda forger: forger.signed({"padding": "x" * 10_000})
    yield "cut off", lambda forger: forger.signed()[:-4]
    yield "another signature", lambda forger: forger.signed()[:-6] + "AAAAAA"
    yield "padded", lambda forger: forger.signed() + "=="
    yield "two in one", lambda forger: f"{forger.signed()},{forger.signed()}"
