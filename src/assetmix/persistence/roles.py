"""The database's roles: one for each kind of process, none of which owns a table or sees past row level security.

They are made by the migrations and named after the database (`assetmix_app` where it is called
`assetmix`). Here they are given the passwords they log in with.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

import asyncpg

from assetmix.errors import Misconfigured

ROLES = ("app", "worker", "scheduler", "metrics")
ITERATIONS = 4096


def role_url(database_url: str, role: str, password: str) -> str:
    """Give the address under which a role logs in to the same database."""
    parts = urlsplit(database_url)
    place = parts.netloc.rpartition("@")[2]
    name = f"{unquote(parts.path.lstrip('/'))}_{role}"
    return parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{place}").geturl()


def derived_password(secret: str, role: str) -> str:
    """Give a role's password, made from a secret that is kept already."""
    made = hmac.new(secret.encode(), f"database role {role}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


async def allow_logins(database_url: str, passwords: Mapping[str, str]) -> None:
    """Let roles log in with passwords; the database is told only what it stores of them.

    Raises
    ------
    Misconfigured
        when the user of `database_url` may not change roles
    """
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""), timeout=5)
    try:
        database = await connection.fetchval("select current_database()")
        for role, password in passwords.items():
            name = await connection.fetchval("select quote_ident($1)", f"{database}_{role}")
            await connection.execute(f"alter role {name} login password '{scram_verifier(password)}'")
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            "the user in DATABASE_URL may not change roles; give it CREATEROLE, or have an administrator do it"
        ) from error
    finally:
        await connection.close()


def scram_verifier(password: str) -> str:
    """What Postgres stores of a password under SCRAM-SHA-256 (RFC 5803), so that no log ever sees the password."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    stored = hashlib.sha256(client).digest()
    salt64, stored64, server64 = (base64.b64encode(one).decode() for one in (salt, stored, server))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt64}${stored64}:{server64}"
