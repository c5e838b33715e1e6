"""Engine and transactions: the only commit in the house."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import asyncpg
import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from assetmix.errors import Conflict, Fault, InvalidRequest, Unavailable

Connection: TypeAlias = AsyncConnection
"""A connection inside a transaction; what repositories are given."""

Driver: TypeAlias = asyncpg.Connection
"""The driver's own connection, for statements that are prepared (`persistence/prepared.py`)."""

STATEMENT_SECONDS = 30
LOCK_SECONDS = 10
UNDO_SECONDS = 5
"""After so long a transaction that does not end is left to the server, with its connection."""

COMMITTED = "COMMIT"
"""What the server says where there was something to commit; of a transaction that had failed it says ROLLBACK."""

COMMAND_SECONDS = 40
"""After so long an answer no longer comes: the connection is given up, whatever the server does."""


class Database:
    """A pool of connections; every use is one transaction, which takes at most so many seconds."""

    def __init__(self, url: str, pool_size: int, most_seconds: float | None = None) -> None:
        self._most_seconds = most_seconds
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            isolation_level="AUTOCOMMIT",
            json_deserializer=from_json,  # results are long, and the standard library takes several times as long
            pool_timeout=5,
            connect_args={
                "timeout": 5,
                "command_timeout": COMMAND_SECONDS,
                "server_settings": {
                    "application_name": "assetmix",
                    "statement_timeout": f"{STATEMENT_SECONDS}s",
                    "lock_timeout": f"{LOCK_SECONDS}s",
                    "idle_in_transaction_session_timeout": "30s",
                    "jit": "off",
                },
            },
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)

    @asynccontextmanager
    async def transaction(self, tenant_id: str | None = None, seconds: float = 0.0) -> AsyncIterator[Connection]:
        """Run the block in one transaction, committed when it ends without an exception.

        It sees the rows of one tenant; without one, nothing that belongs to a tenant. It may take
        `seconds` where that is more than what others may.

        Raises
        ------
        Unavailable
            when the database cannot be reached, or goes away inside the block
        """
        with _told():
            async with asyncio.timeout(self._most(seconds)), self._engine.connect() as connection:
                driver = driver_of(connection)
                try:
                    await driver.execute(_begin(tenant_id))
                    yield connection
                    _require_committed(await driver.execute("commit"))
                except BaseException:
                    await _roll_back(connection, driver)
                    raise

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Driver]:
        """Run one prepared statement, which is a transaction by itself: that saves two round trips."""
        with _told():
            async with asyncio.timeout(self._most(0.0)):
                pooled = await self._engine.raw_connection()
                driver: Driver = pooled.driver_connection
                try:
                    yield driver
                except (asyncio.CancelledError, TimeoutError, asyncpg.InternalClientError):
                    driver.terminate()  # the next would wait for a server that may have fallen silent
                    raise
                finally:
                    pooled.close()

    def _most(self, seconds: float) -> float | None:
        return None if self._most_seconds is None else max(self._most_seconds, seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def driver_of(connection: Connection) -> Driver:
    """Give the driver's connection beneath one that is open."""
    return connection.sync_connection.connection.driver_connection  # type: ignore[union-attr]  # open


def _begin(tenant_id: str | None) -> str:
    """Statements that the driver sends in one round trip."""
    if tenant_id is None:
        return "begin"
    quoted = tenant_id.replace("'", "''")
    return f"begin; select set_config('assetmix.tenant', '{quoted}', true)"


def _require_committed(said: str) -> None:
    """Refuse what the server says of a transaction in which something had failed that the block did not mind."""
    if said != COMMITTED:
        raise Unavailable("the database has undone what was asked, because a part of it had failed")


async def _roll_back(connection: Connection, driver: Driver) -> None:
    """Undo what a block has done; a connection on which that fails is not used again."""
    if connection.invalidated:
        return
    try:
        await driver.execute("rollback", timeout=UNDO_SECONDS)
    except BaseException as error:
        await connection.invalidate()
        if not isinstance(error, Exception):
            raise


@contextmanager
def _told() -> Iterator[None]:
    """Tell in the house's own words what goes wrong between it and the database."""
    try:
        yield
    except (*AWAY, PoolTimeout, OSError, TimeoutError) as error:
        raise Unavailable("the database cannot be reached") from error
    except asyncpg.PostgresError as error:
        raise _translated(error, str(error.sqlstate or "")) from error
    except AsyncAdapt_asyncpg_dbapi.Error as error:  # where a connection could not be made
        raise _translated(error, str(error.sqlstate or GONE)) from error
    except DBAPIError as error:
        is_gone = error.connection_invalidated or isinstance(error, OperationalError)
        raise _translated(error, GONE if is_gone else str(getattr(error.orig, "sqlstate", None) or "")) from error


_SET = sa.select(sa.func.set_config("assetmix.tenant", sa.bindparam("tenant"), True))


async def set_tenant(connection: Connection, tenant_id: str) -> None:
    """Have the rest of the transaction see the rows of this tenant, and no others."""
    await connection.execute(_SET, {"tenant": tenant_id})


AWAY = (InterfaceError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What is said of connections that are closed, or have been lost in the middle of something."""

GONE = "08"
"""SQLSTATE class of lost connections."""

PASSING = (GONE, "25006", "40", "53", "55", "57")
"""SQLSTATEs that may be gone the next time: lost, read-only, deadlock, no room, lock timeout, shutdown."""

UNIQUE = "23505"
FOREIGN = "23503"
"""SQLSTATE of a reference to what is gone, or of a deletion of what is referred to."""

UNSTORABLE = ("22", "54")
"""SQLSTATE classes of values that no check foresaw and the database cannot hold."""


def _translated(error: Exception, state: str) -> Exception:
    if state.startswith(PASSING):
        return Unavailable("the database cannot be reached, or is busy with the same rows")
    if state == UNIQUE:
        return Conflict("another request has just done the same")
    if state == FOREIGN:
        return Conflict("another request has just changed what this one is about; ask again")
    if state.startswith(UNSTORABLE):
        return InvalidRequest("a value cannot be stored", [Fault("", "out-of-range", "a value cannot be stored")])
    return error


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - the driver's own
    """Have the pool make a new connection in place of one that the server has closed; costs no round trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
