"""Tenants apart in the database itself: as the role of each process, nobody's rows but one tenant's are there."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.record_rows import metadata
from assetmix.persistence.roles import allow_logins, derived_password, role_url
from assetmix.persistence.session import Database
from assetmix.services import upkeep
from assetmix.services.context import House
from assetmix.services.health import database_fault
from assetmix.settings import Settings
from tests.integration.conftest import Base

PASSWORD = derived_password("secret of a test", "any")

ROWS: dict[str, dict[str, Any]] = {
    "api_keys": {"id": "key-{t}", "hash": b"h", "scopes": ["read"]},
    "instruments": {"id": "A", "document": "{}", "revision": 1},
    "prices": {"instrument_id": "A", "date": "2024-01-02", "close": 1.0},
    "exchange_rates": {"currency": "EUR", "quote": "USD", "date": "2024-01-02", "rate": 1.1},
    "model_payloads": {"digest": "d", "payload": b"p"},
    "risk_models": {"name": "m", "digest": "d", "document": "{}", "version": 1},
    "strategies": {"strategy_id": 1, "name": "s", "version": 1, "document": "{}", "digest": "d"},
    "strategy_versions": {"strategy_id": 1, "version": 1, "document": "{}"},
    "portfolios": {"id": "P", "client_reference": "p", "version": 1, "document": "{}", "digest": "d"},
    "snapshots": {"digest": "d", "payload": b"p"},
    "snapshot_keys": {"key": "k", "digest": "d"},
    "optimizations": {
        "id": "O", "optimization_hash": "h", "inputs": "{}", "snapshot_digest": "d", "time_limit_seconds": 1.0,
    },
    "jobs": {"run_id": "O"},
    "backtest_parts": {"run_id": "O", "number": 0, "first": 0, "count": 0, "path": b"p", "decisions": "[]"},
    "batch_chunks": {"run_id": "O", "number": 0, "first": 0, "count": 0, "accounts": "[]"},
    "batch_items": {
        "run_id": "O", "number": 0, "portfolio_id": "P", "client_reference": "c", "status": "s", "summary": "{}"
    },
    "backtest_tasks": {"run_id": "O", "number": 0, "first": 0, "last": 4},
    "backtest_decisions": {"run_id": "O", "number": 0, "payload": b"p"},
    "events": {"id": "E", "run_id": "O", "kind": "optimization.succeeded"},
    "audit": {"id": "A", "actor": "a", "action": "b", "subject": "c"},
    "idempotency_keys": {"route": "r", "key": "k", "fingerprint": "f", "status": 202, "headers": "{}", "body": ""},
    "records": {"id": "U", "kind": "user", "version": 1, "document": "{}", "author": "a"},
    "record_versions": {"id": "U", "version": 1, "document": "{}", "author": "a", "is_deleted": False},
    "portfolio_versions": {
        "id": "P", "version": 1, "document": "{}", "details": "{}", "author": "a", "is_deleted": False,
    },
    "due": {"portfolio_id": "P", "cause": "night"},
    "owner_choices": {"run_id": "O", "version": 2, "choice": "ACCEPT", "author": "a"},
    "webhooks": {"id": "W", "url": "https://example.com/hook"},
    "deliveries": {"event_id": "E", "webhook_id": "W"},
}  # fmt: skip
TENANTS = ("T-one", "T-two")

READABLE = {
    "app": set(ROWS),
    "worker": {
        "optimizations", "jobs", "events", "audit", "snapshots", "snapshot_keys", "model_payloads",
        "risk_models", "idempotency_keys", "webhooks", "backtest_parts", "backtest_tasks",
        "backtest_decisions", "batch_chunks", "batch_items",
    },
    "scheduler": {
        "optimizations", "jobs", "events", "audit", "snapshots", "snapshot_keys", "model_payloads", "risk_models",
        "idempotency_keys", "webhooks", "deliveries", "due", "portfolios", "strategies", "instruments", "prices",
        "exchange_rates", "records", "owner_choices",
    },
    "metrics": {"jobs"},
}  # fmt: skip


@dataclass(frozen=True)
class Filled:
    """A database in which two tenants have a row in every table."""

    base: Base
    name: str

    @asynccontextmanager
    async def acting_as(self, role: str, tenant: str | None = None):
        connection = await asyncpg.connect(self.base.url)
        try:
            await connection.execute(f'set role "{self.name}_{role}"')
            async with connection.transaction():
                if tenant is not None:
                    await connection.execute("select set_config('assetmix.tenant', $1, true)", tenant)
                yield connection
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def filled(base: Base) -> Filled:
    asyncio.run(_fill(base))
    return Filled(base, base.url.rsplit("/", 1)[1])


async def _fill(base: Base) -> None:
    connection = await asyncpg.connect(base.url)
    for tenant in TENANTS:
        await connection.execute("insert into tenants (id, name) values ($1, $1)", tenant)
        for table, values in ROWS.items():
            await connection.execute(_insert(table, tenant, values))
    await connection.close()


def _insert(table: str, tenant: str, values: dict[str, Any]) -> str:
    row = {"tenant_id": tenant} | values
    return f"insert into {table} ({', '.join(row)}) values ({', '.join(_literal(one, tenant) for one in row.values())})"


def _literal(value: Any, tenant: str) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, list):
        return "array['" + "','".join(value) + "']"
    return str(value).lower() if isinstance(value, int | float) else f"'{value.replace('{t}', tenant)}'"


async def test_every_table_of_a_tenant_has_a_policy_and_forces_it(filled: Filled) -> None:
    connection = await asyncpg.connect(filled.base.url)
    rows = await connection.fetch(
        "select c.relname, c.relrowsecurity and c.relforcerowsecurity as forced,"
        " exists(select from pg_policy p where p.polrelid = c.oid) as policy from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r'"
        " and (c.relname = 'tenants' or"
        " exists(select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'))"
    )
    await connection.close()

    assert {row["relname"] for row in rows} == {*ROWS, "tenants"}
    assert {row["relname"] for row in rows if not (row["forced"] and row["policy"])} == set()


def test_the_rows_of_this_test_are_those_of_every_table() -> None:
    assert set(ROWS) == {table.name for table in metadata.sorted_tables} - {
        "tenants",
        "workers",
        "pulse",
        "tallies",
        "nights",
    }


@pytest.mark.parametrize("table", sorted({*ROWS, "tenants"}))
async def test_the_app_sees_one_tenant_and_nothing_without_one(filled: Filled, table: str) -> None:
    column = "id" if table == "tenants" else "tenant_id"
    async with filled.acting_as("app", TENANTS[0]) as connection:
        seen = [row[0] for row in await connection.fetch(f"select {column} from {table}")]
    async with filled.acting_as("app") as connection:
        nothing = await connection.fetch(f"select {column} from {table}")
    async with filled.acting_as("app", "") as connection:
        still_nothing = await connection.fetch(f"select {column} from {table}")

    assert set(seen) == {TENANTS[0]}
    assert nothing == still_nothing == []


@pytest.mark.parametrize("table", sorted(ROWS))
async def test_the_app_cannot_write_for_another_tenant(filled: Filled, table: str) -> None:
    values = ROWS[table] | {name: f"{ROWS[table][name]}-new" for name in ("id", "key") if name in ROWS[table]}
    async with filled.acting_as("app", TENANTS[0]) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(_insert(table, TENANTS[1], values))

    for change in (f"update {table} set tenant_id = tenant_id", f"delete from {table}"):
        async with filled.acting_as("app", TENANTS[0]) as connection:
            try:
                touched = await connection.execute(f"{change} where tenant_id = '{TENANTS[1]}'")
            except asyncpg.InsufficientPrivilegeError:
                continue
        assert touched.endswith(" 0")


@pytest.mark.parametrize("role", sorted(READABLE))
@pytest.mark.parametrize("table", sorted(ROWS))
async def test_a_role_reads_what_it_needs_and_no_more(filled: Filled, role: str, table: str) -> None:
    try:
        async with filled.acting_as(role, TENANTS[0]) as connection:
            await connection.fetch(f"select * from {table}")
        allowed = True
    except asyncpg.InsufficientPrivilegeError:
        allowed = False

    assert allowed == (table in READABLE[role])


QUEUES = [("worker", "jobs"), ("worker", "backtest_tasks"), ("scheduler", "due"), ("scheduler", "deliveries")]


@pytest.mark.parametrize(("role", "queue"), QUEUES)
async def test_workers_see_who_is_next_but_not_what_was_asked(filled: Filled, role: str, queue: str) -> None:
    async with filled.acting_as(role) as connection:
        waiting = await connection.fetch(f"select tenant_id from {queue}")
        runs = await connection.fetch("select tenant_id from optimizations")

    assert {row["tenant_id"] for row in waiting} == set(TENANTS)
    assert runs == []


@pytest.mark.parametrize("table", ["audit", "events"])
@pytest.mark.parametrize("change", ["update {} set id = id", "delete from {}", "truncate {}"])
async def test_what_was_written_down_stays(filled: Filled, table: str, change: str) -> None:
    async with filled.acting_as("app", TENANTS[0]) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(change.format(table))


async def test_a_key_that_is_looked_up_shows_its_own_row_only(filled: Filled) -> None:
    async with filled.acting_as("app") as connection:
        found = await connection.fetch("select tenant_id from find_key('key-T-two')")
        visible = await connection.fetch("select id from api_keys")

    assert [row["tenant_id"] for row in found] == ["T-two"]
    assert [row["id"] for row in visible] == ["key-T-two"]


async def test_a_role_that_sees_everything_does_not_serve(filled: Filled) -> None:
    await allow_logins(filled.base.url, {"app": PASSWORD})
    bound = role_url(filled.base.url, "app", PASSWORD)

    faults = []
    for url in (filled.base.url, bound):
        database = Database(url.replace("postgresql://", "postgresql+asyncpg://"), 1)
        faults.append(await database_fault(_House(database)))
        await database.close()

    assert faults[0] is not None
    assert "row level security" in faults[0]
    assert faults[1] is None


@dataclass(frozen=True)
class _House:
    database: Database


async def test_the_scheduler_may_do_all_that_it_does(filled: Filled) -> None:
    await allow_logins(filled.base.url, {"scheduler": PASSWORD})
    url = role_url(filled.base.url, "scheduler", PASSWORD)
    settings = Settings(database_url=url, redis_url=filled.base.redis_url, key_pepper="pepper")
    database = Database(settings.async_database_url, 1)
    bell = Doorbell(make_celery(settings.redis_url.get_secret_value()))
    house = House(database, bell, settings, Memory(1))

    await upkeep.sweep(house)
    gone = await upkeep.purge(house)
    await database.close()

    assert gone == 0
