"""Both servers: started together, unless their addresses are given from outside."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from assetmix.persistence.roles import ROLES, derived_password, role_url
from assetmix.stack.child import ChildSpec
from assetmix.stack.home import Home, Secrets
from assetmix.stack.ports import LOOPBACK, free_port
from assetmix.stack.postgres import NAME, postgres_spec
from assetmix.stack.supervisor import Supervisor
from assetmix.stack.valkey import valkey_spec


@dataclass(frozen=True)
class Addresses:
    """How to reach the servers; with passwords in them, hence never shown."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    role_passwords: Mapping[str, str] = field(repr=False)

    def role_url(self, role: str) -> str:
        """Give the database's address for processes of one kind: `app`, `worker`, `scheduler` or `metrics`."""
        return role_url(self.database_url, role, self.role_passwords[role])


def start_servers(supervisor: Supervisor, home: Home, secrets: Secrets) -> Addresses:
    """Start Postgres and Valkey, or take DATABASE_URL and REDIS_URL as they are."""
    database_url, postgres = _database(home, secrets)
    redis_url, valkey = _doorbell(home, secrets)
    passwords = {role: derived_password(secrets.key_pepper, role) for role in ROLES}
    addresses = Addresses(database_url, redis_url, passwords)
    supervisor.hide(*_words_to_hide(secrets, addresses))
    # Postgres first: what is started first is stopped last.
    supervisor.start_all([spec for spec in (postgres, valkey) if spec])
    return addresses


def _database(home: Home, secrets: Secrets) -> tuple[str, ChildSpec | None]:
    given = os.environ.get("DATABASE_URL")
    if given:
        return given, None
    port = free_port()
    url = f"postgresql://{NAME}:{secrets.postgres_password}@{LOOPBACK}:{port}/{NAME}"
    return url, postgres_spec(home, secrets.postgres_password, port)


def _doorbell(home: Home, secrets: Secrets) -> tuple[str, ChildSpec | None]:
    given = os.environ.get("REDIS_URL")
    if given:
        return given, None
    port = free_port()
    url = f"redis://:{secrets.valkey_password}@{LOOPBACK}:{port}/0"
    return url, valkey_spec(home, secrets.valkey_password, port)


def _words_to_hide(secrets: Secrets, addresses: Addresses) -> list[str]:
    passwords = [urlsplit(url).password for url in (addresses.database_url, addresses.redis_url)]
    words = [secrets.postgres_password, secrets.valkey_password, secrets.key_pepper, *passwords]
    words.extend(addresses.role_passwords.values())
    return [word for word in words if word]
