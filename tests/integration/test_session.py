"""Transactions: committed or undone, one tenant's at a time, on connections that are sound or given up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import ARRAY, Integer, bindparam, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from assetmix.errors import Conflict, InvalidRequest, Unavailable
from assetmix.persistence.prepared import Prepared
from assetmix.persistence.session import Connection, Database
from tests.integration.conftest import Base

PRESENT = text("select coalesce(current_setting('assetmix.tenant', true), '')")
ADD = "insert into tenants (id, name) values (:id, :id)"


@pytest_asyncio.fixture
async def single(base: Base) -> AsyncIterator[Database]:
    """A database with one connection: what one transaction leaves behind, the next one meets."""
    opened = Database(base.url.replace("postgresql://", "postgresql+asyncpg://"), 1)
    yield opened
    async with opened.transaction() as connection:
        await connection.execute(text("truncate tenants cascade"))
    await opened.close()


async def tenants_in(database: Database) -> list[str]:
    async with database.transaction() as connection:
        return list((await connection.execute(text("select id from tenants order by id"))).scalars())


async def pid_of(connection: Connection) -> int:
    return int((await connection.execute(text("select pg_backend_pid()"))).scalar_one())


async def add(database: Database, *names: str, then: Callable[[Connection], Awaitable[None]] | None = None) -> None:
    """Add tenants in one transaction, and do something more in it."""
    async with database.transaction() as connection:
        for name in names:
            await connection.execute(text(ADD), {"id": name})
        if then is not None:
            await then(connection)


async def cut(base: Base, pid: int) -> None:
    """End the server's side of a connection, and wait until it has gone."""
    other = await asyncpg.connect(base.url)
    await other.fetchval("select pg_terminate_backend($1, 5000)", pid)
    await other.close()


async def test_what_fails_is_undone_and_the_connection_goes_on(single: Database) -> None:
    async def fail(_: Connection) -> None:
        raise RuntimeError

    await add(single, "kept")
    with pytest.raises(RuntimeError):
        await add(single, "undone", then=fail)
    with pytest.raises(Conflict):
        await add(single, "undone too", "kept")

    assert await tenants_in(single) == ["kept"]


async def test_a_tenant_is_seen_in_its_own_transaction_only(single: Database) -> None:
    seen = []
    for tenant in ("T1", None, "it's; drop table tenants", None):
        async with single.transaction(tenant) as connection:
            seen.append((await connection.execute(PRESENT)).scalar_one())
    async with single.statement() as driver:
        seen.append(await driver.fetchval(str(PRESENT)))

    assert seen == ["T1", "", "it's; drop table tenants", "", ""]


async def test_a_cancelled_transaction_leaves_nothing_open(base: Base, single: Database) -> None:
    async def sleep(connection: Connection) -> None:
        await connection.execute(text("select pg_sleep(30)"))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(add(single, "slow", then=sleep), 0.3)

    other = await asyncpg.connect(base.url)
    open_ones = await other.fetchval("select count(*) from pg_stat_activity where state like 'idle in transaction%'")
    await other.close()
    assert open_ones == 0
    assert await tenants_in(single) == []


async def test_a_failure_that_a_block_swallows_is_no_success(single: Database) -> None:
    async def swallow(connection: Connection) -> None:
        with suppress(DBAPIError):
            await connection.execute(text("select 1 / 0"))

    with pytest.raises(Unavailable):
        await add(single, "undone", then=swallow)
    assert await tenants_in(single) == []


async def test_a_connection_that_is_cut_before_the_commit_is_an_answer_not_a_success(
    base: Base, single: Database
) -> None:
    async def lose(connection: Connection) -> None:
        await cut(base, await pid_of(connection))

    with pytest.raises(Unavailable):
        await add(single, "lost", then=lose)

    assert await tenants_in(single) == []


async def test_a_connection_that_was_cut_while_it_was_idle_is_made_anew(base: Base, single: Database) -> None:
    async with single.transaction() as connection:
        pid = await pid_of(connection)
    await cut(base, pid)
    found = pid
    for _ in range(100):  # the driver hears of it in its own time
        with suppress(Unavailable):
            async with single.transaction() as connection:
                found = await pid_of(connection)
        if found != pid:
            break
    assert found != pid


async def test_a_statement_that_fails_leaves_the_connection_to_the_next_one_given_up_does_not(
    single: Database,
) -> None:
    async def answer(statement: str) -> object:
        async with single.statement() as driver:
            return await driver.fetchval(statement)

    pid = await answer("select pg_backend_pid()")
    with pytest.raises(InvalidRequest):
        await answer("select 1 / 0")
    same = await answer("select pg_backend_pid()")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer("select pg_sleep(30)"), 0.3)

    assert same == pid != await answer("select pg_backend_pid()")
    async with single.transaction("T1") as connection:
        assert (await connection.execute(PRESENT)).scalar_one() == "T1"
    assert await answer(str(PRESENT)) == ""


async def test_a_statement_on_a_connection_that_is_cut_is_an_answer_and_the_next_gets_another(
    base: Base, single: Database
) -> None:
    async with single.statement() as driver:
        await cut(base, await driver.fetchval("select pg_backend_pid()"))
    for _ in range(100):  # the driver hears of it in its own time
        with suppress(Unavailable):
            async with single.statement() as driver:
                assert await driver.fetchval("select 1") == 1
            break
    else:
        pytest.fail("no connection was made anew")


async def test_documents_go_to_the_driver_as_json_and_come_back_read(single: Database) -> None:
    given = bindparam("given", type_=JSONB)
    echo = Prepared(select(given.label("document"), literal([1, 2], ARRAY(Integer)).label("numbers")))
    async with single.transaction() as connection:
        within = await echo.one(connection, given={"a": [1.5, None, "ü"]})
    async with single.statement() as driver:
        alone = await echo.rows(driver, given={"a": [1.5, None, "ü"]})

    assert within == {"document": {"a": [1.5, None, "ü"]}, "numbers": [1, 2]}
    assert alone == [within]


async def test_a_statement_for_which_no_connection_is_made_is_an_answer_too(base: Base) -> None:
    """Of a role that may have no connection at all; a server that has just begun refuses in the same way."""
    server = await asyncpg.connect(base.url)
    await server.execute("create role crowd login password 'many' connection limit 0")
    there = urlsplit(base.url)
    full = Database(f"postgresql+asyncpg://crowd:many@{there.hostname}:{there.port}{there.path}", 1)
    try:
        with pytest.raises(Unavailable):
            async with full.statement() as driver:
                await driver.fetchval("select 1")
    finally:
        await full.close()
        await server.execute("drop role crowd")
        await server.close()
