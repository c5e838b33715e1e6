"""Keys: made, shown once, stored as a hash, checked on every call.

A key reads `am_live_PUBLIC_SECRETCHECK`: eight characters that name it, 43 that are secret, and
six that let anyone tell a mistyped key from a wrong one without asking the database.
"""

import hashlib
import hmac
import secrets
import string
import zlib
from contextlib import suppress
from dataclasses import dataclass

from assetmix.errors import InvalidRequest, NotAllowed, NotFound, Unauthenticated, Unavailable
from assetmix.persistence import tenants
from assetmix.persistence.journal import Entry, note
from assetmix.services.context import NOWHERE, Caller, House, Origin
from assetmix.services.ids import new_id
from assetmix.services.tokens import Tokens, looks_like_token, make_tokens, read_token

PREFIX = "am_live"
PUBLIC, SECRET, CHECK = 8, 43, 6
LETTERS = string.digits + string.ascii_letters

READ = "read"
WRITE = "write"
RUN = "optimizations:run"
SCOPES = (READ, WRITE, RUN)

RESERVED = frozenset({"optimization"})
OPERATOR = "operator"
"""Actor of what is done on the command line."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once."""

    public: str
    text: str

    def __repr__(self) -> str:
        """Show the public part only."""
        return f"NewKey({self.public})"


def make_key() -> NewKey:
    """Make a key from the system's randomness."""
    public = "".join(secrets.choice(LETTERS) for _ in range(PUBLIC))
    secret = "".join(secrets.choice(LETTERS) for _ in range(SECRET))
    body = f"{PREFIX}_{public}_{secret}"
    return NewKey(public, body + checksum(body))


def checksum(text: str) -> str:
    """Six characters that change when any character of the text does."""
    value, letters = zlib.crc32(text.encode()), ""
    for _ in range(CHECK):
        value, place = divmod(value, len(LETTERS))
        letters += LETTERS[place]
    return letters


def hash_key(text: str, pepper: str) -> bytes:
    """Hash under which a key is stored."""
    return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).digest()


async def create_key(house: House, tenant: str, scopes: tuple[str, ...], label: str, days: int | None = None) -> NewKey:
    """Make a key for a tenant, and the tenant if there is none of that name; it may end after so many days.

    A tenant may have several at a time, so that one can take the place of another without a gap.

    Raises
    ------
    InvalidRequest
        for a reserved tenant name or an unknown scope
    """
    if tenant in RESERVED or not tenant.strip():
        raise InvalidRequest(f"{tenant!r} cannot be the name of a tenant; choose another")
    if unknown := set(scopes) - set(SCOPES):
        raise InvalidRequest(f"unknown scopes {sorted(unknown)}; choose from {', '.join(SCOPES)}")
    key = make_key()
    pepper = house.settings.key_pepper.get_secret_value()
    async with house.database.transaction() as connection:
        tenant_id = await tenants.ensure_tenant(connection, new_id("T"), tenant)
        stored = {"id": key.public, "hash": hash_key(key.text, pepper), "scopes": list(scopes), "label": label}
        await tenants.add_key(connection, tenant_id, stored, days)
        await note(connection, tenant_id, Entry(actor=OPERATOR, action="key.create", subject=key.public))
    return key


async def authenticate(house: House, text: str | None, origin: Origin = NOWHERE) -> Caller:
    """Find out whose key, or token for a key, it is; unknown, wrong, revoked and expired ones look the same.

    Raises
    ------
    Unauthenticated
        for anything but a valid key or token
    """
    pepper = house.settings.key_pepper.get_secret_value()
    is_token = text is not None and looks_like_token(text)
    public = read_token(text or "", pepper, "access") if is_token else _public_part(text)
    async with house.database.statement() as connection:
        stored = None if public is None else await tenants.find_key(connection, public)
    expected = b"" if stored is None else stored.hash
    is_proven = is_token or hmac.compare_digest(hash_key(text or "", pepper), expected)
    if stored is None or public is None or not is_proven:
        raise Unauthenticated("a valid key is needed: Authorization: Bearer am_live_…")
    if stored.is_idle:
        # a database that only reads is no reason to refuse a reader
        with suppress(Unavailable):
            async with house.database.transaction(stored.tenant_id) as connection:
                await tenants.note_use(connection, stored.tenant_id, public)
    return Caller(stored.tenant_id, stored.tenant, public, stored.scopes, stored.settings, origin)


async def log_in(house: House, public: str, secret: str) -> Tokens:
    """Give tokens for a key that is sent in its two parts: `PUBLIC` or `am_live_PUBLIC`, and the rest or the whole.

    Raises
    ------
    Unauthenticated
        for anything but a valid key
    """
    bare = public.removeprefix(f"{PREFIX}_")
    text = secret if secret.startswith(f"{PREFIX}_{bare}_") else f"{PREFIX}_{bare}_{secret}"
    if looks_like_token(text):
        raise Unauthenticated("access_key_id and secret_access_key are the two parts of a key")
    caller = await authenticate(house, text)
    return make_tokens(caller.key_id, house.settings.key_pepper.get_secret_value())


async def refresh(house: House, token: str) -> Tokens:
    """Give new tokens for a refresh token whose key is still good.

    Raises
    ------
    Unauthenticated
        for anything else
    """
    pepper = house.settings.key_pepper.get_secret_value()
    public = read_token(token, pepper, "refresh")
    async with house.database.statement() as connection:
        stored = None if public is None else await tenants.find_key(connection, public)
    if public is None or stored is None:
        raise Unauthenticated("the refresh token is not valid any more; log in again")
    return make_tokens(public, pepper)


def require(caller: Caller, scope: str) -> None:
    """Refuse a key that lacks a scope.

    Raises
    ------
    NotAllowed
        naming the scope
    """
    if scope not in caller.scopes:
        raise NotAllowed(f"this key lacks the scope {scope}; use one that has it")


async def revoke_key(house: House, public: str) -> None:
    """Revoke a key by its public part; it stops working at once.

    Raises
    ------
    NotFound
        when there is no such key, or it is revoked already
    """
    async with house.database.transaction() as connection:
        tenant_id = await tenants.revoke_key(connection, public)
        if tenant_id is None:
            raise NotFound(f"no live key {public}")
        await note(connection, tenant_id, Entry(actor=OPERATOR, action="key.revoke", subject=public))


async def list_keys(house: House, tenant: str) -> list[dict[str, object]]:
    """Public parts, scopes and times of a tenant's keys.

    Raises
    ------
    NotFound
        when there is no such tenant
    """
    async with house.database.transaction() as connection:
        tenant_id = await tenants.find_tenant(connection, tenant)
        if tenant_id is None:
            raise NotFound(f"no tenant {tenant!r}")
        return [dict(row._mapping) for row in await tenants.list_keys(connection, tenant_id)]  # noqa: SLF001 - its public name


def _public_part(text: str | None) -> str | None:
    if text is None or len(text) != len(PREFIX) + PUBLIC + SECRET + CHECK + 2:
        return None
    body, check = text[:-CHECK], text[-CHECK:]
    if not body.startswith(f"{PREFIX}_") or not text.isascii() or checksum(body) != check:
        return None
    return body[len(PREFIX) + 1 : len(PREFIX) + 1 + PUBLIC]
