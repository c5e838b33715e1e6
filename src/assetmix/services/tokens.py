"""Short-lived tokens in place of a key: signed, never stored, worth nothing once their key is revoked."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Literal

from joserfc import jwt
from joserfc.jwk import OctKey

ACCESS_SECONDS = 300
REFRESH_SECONDS = 24 * 3600
PARTS = 3
ALGORITHM = "HS256"

Use = Literal["access", "refresh"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token for requests, and one to be given the next one for."""

    access: str
    refresh: str

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Tokens(…)"


def looks_like_token(text: str) -> bool:
    """Whether a text has the shape of a token rather than of a key."""
    return text.count(".") == PARTS - 1


def make_tokens(public: str, pepper: str) -> Tokens:
    """Make tokens for a key by its public part."""
    return Tokens(_make(public, pepper, "access"), _make(public, pepper, "refresh"))


def read_token(text: str, pepper: str, use: Use) -> str | None:
    """Give the public part of the key that a token stands for; None for one that is not ours, or has expired."""
    try:
        claims = jwt.decode(text, _key(pepper), algorithms=[ALGORITHM]).claims
        jwt.JWTClaimsRegistry(exp={"essential": True}, sub={"essential": True}).validate(claims)
    except Exception:  # noqa: BLE001 - whatever a forged token breaks the library with, it is none of ours
        return None
    return str(claims["sub"]) if claims.get("use") == use else None


def _make(public: str, pepper: str, use: Use) -> str:
    now = int(time.time())
    seconds = ACCESS_SECONDS if use == "access" else REFRESH_SECONDS
    claims = {"sub": public, "use": use, "iat": now, "exp": now + seconds}
    return jwt.encode({"alg": ALGORITHM}, claims, _key(pepper))


def _key(pepper: str) -> OctKey:
    secret = hmac.new(pepper.encode(), b"tokens", hashlib.sha256).digest()
    return OctKey.import_key(secret)
