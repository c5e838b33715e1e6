"""Old code and new tables side by side: the tables of a next version come while this one is under load."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import httpx
import pytest

from tests.faults.stack import SHORT, WORKERS, Hurtable, hurtable, tracked

REQUESTS = 60
HELD = {"base_currency": "USD", "holdings": {"$USD": 1000}}

TABLES = ("optimizations", "jobs", "portfolios", "events", "audit", "idempotency_keys", "workers")
NEXT = (
    *(f"alter table {name} add column of_tomorrow text" for name in TABLES),
    *(f"alter table {name} alter column of_tomorrow set default 'x'" for name in TABLES),
    "create index jobs_of_tomorrow on jobs (tenant_id, worker)",
    "create table of_tomorrow (tenant_id text primary key)",
    "update alembic_version set version_num = '9999'",
)
"""What a migration may do while the version before it is at work: add, never take away or rename."""


@pytest.fixture
def hurt() -> Iterator[Hurtable]:
    with hurtable(SHORT) as service:
        yield service


def test_32_old_code_works_on_with_the_tables_of_the_next_version(hurt: Hurtable) -> None:
    with tracked(hurt, "upgrade") as client, ThreadPoolExecutor(8) as pool:

        def ask(number: int) -> httpx.Response:
            held = HELD | {"holdings": {"$USD": 1000 + number}}
            return client.post("/v1/optimizations", json={"portfolio": held, "strategy": "track"})

        answers = [pool.submit(ask, i) for i in range(REQUESTS)]
        hurt.until(lambda: sum(one.done() for one in answers) > REQUESTS // 4)
        asyncio.run(migrate(hurt))
        hurt.until(lambda: all(one.done() for one in answers))
        ids = [one.result().raise_for_status().json()["id"] for one in answers]

        assert {hurt.ended(client, run_id)["status"] for run_id in ids} == {"succeeded"}
        assert client.get("/readyz").json() == {"status": "ready", "queue": "reachable"}
        # a process of the old version that is started now finds newer tables than it knows
        for name in ("api", *WORKERS):
            os.kill(hurt.supervisor.pid(name) or 0, signal.SIGKILL)
        hurt.until(lambda: is_ready(hurt))
        assert hurt.ended(client, ask(REQUESTS).raise_for_status().json()["id"])["status"] == "succeeded"


async def migrate(hurt: Hurtable) -> None:
    """Do it as our migrations do: no lock is waited for long, and none is held while another is waited for."""
    connection = await asyncpg.connect(hurt.addresses.database_url)
    try:
        for statement in NEXT:
            async with connection.transaction():
                await connection.execute("set local lock_timeout = '5s'")
                await connection.execute(statement)
    finally:
        await connection.close()


def is_ready(hurt: Hurtable) -> bool:
    """Whether the API answers that it is."""
    try:
        return httpx.get(f"{hurt.base_url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
