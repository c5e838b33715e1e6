"""A database of its own for each module, built by the migrations; no worker looks at it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from ulid import ULID

from assetmix.domain.portfolio import Portfolio
from assetmix.persistence import optimizations, portfolios, snapshots, tenants
from assetmix.persistence.journal import Entry
from assetmix.persistence.optimizations import NewRun, Room, Run
from assetmix.persistence.portfolios import NewContent
from assetmix.persistence.session import Connection, Database
from assetmix.services.ids import new_id
from tests.service import PEPPER, Service


@dataclass(frozen=True)
class Base:
    """A database and how to run commands on it."""

    url: str
    redis_url: str

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        own = {"DATABASE_URL": self.url, "REDIS_URL": self.redis_url, "ASSETMIX_KEY_PEPPER": PEPPER}
        argv = [sys.executable, "-m", *command]
        return subprocess.run(argv, env=os.environ | own, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def base(service: Service) -> Iterator[Base]:
    name = f"test_{str(ULID()).lower()}"
    server = service.addresses.database_url
    asyncio.run(_execute(server, f"create database {name}"))
    made = Base(server.rsplit("/", 1)[0] + f"/{name}", service.addresses.redis_url)
    ended = made.run("assetmix", "migrate")
    assert ended.returncode == 0, ended.stderr
    yield made
    asyncio.run(_execute(server, f"drop database {name} with (force)"))


@pytest_asyncio.fixture
async def database(base: Base) -> AsyncIterator[Database]:
    opened = Database(base.url.replace("postgresql://", "postgresql+asyncpg://"), 8)
    yield opened
    async with opened.transaction() as connection:
        await connection.execute(text("truncate tenants cascade"))
    await opened.close()


@dataclass(frozen=True)
class Bench:
    """Makes tenants, portfolios and runs directly in the tables."""

    database: Database

    async def tenant(self, name: str) -> str:
        async with self.database.transaction() as connection:
            tenant_id = await tenants.ensure_tenant(connection, new_id("T"), name)
            await snapshots.put_snapshot(connection, tenant_id, "key", "digest", b"payload")
        return tenant_id

    async def portfolio(self, tenant_id: str, reference: str) -> str:
        held = Portfolio(base_currency="USD", holdings={"$USD": 1.0})
        async with self.database.transaction() as connection:
            stored, _ = await portfolios.put_portfolio(
                connection, tenant_id, new_id("P"), reference, NewContent(portfolio=held)
            )
        return stored.id

    async def run(self, tenant_id: str, portfolio_id: str | None = None, **fields: Any) -> Run | None:
        new = NewRun(
            **{
                "id": new_id("O"),
                "portfolio_id": portfolio_id,
                "strategy_id": None,
                "what_if": False,
                "optimization_hash": str(ULID()),
                "inputs": {},
                "snapshot_digest": "digest",
                "time_limit_seconds": 1.0,
            }
            | fields
        )
        async with self.database.transaction() as connection:
            return await optimizations.add_run(connection, tenant_id, new, asked(new), ROOM)

    async def do(self, use: Callable[..., Any], *arguments: Any) -> Any:
        """Call a repository function in a transaction of its own."""
        async with self.database.transaction() as connection:
            return await use(connection, *arguments)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Connection]:
        async with self.database.transaction() as connection:
            yield connection


ROOM = Room(most=1_000_000, ring_seconds=0.0)


def asked(new: NewRun) -> Entry:
    """The audit entry of a run that is requested."""
    return Entry(actor="key", action="optimization.request", subject=new.id)


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()
