"""Engine and transactions: the only commit in the house."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from assetmix.errors import Conflict, Error, Fault, InvalidRequest, Unavailable

Connection: TypeAlias = AsyncConnection
"""A connection inside a transaction; what repositories are given."""

STATEMENT_SECONDS = 30
LOCK_SECONDS = 10
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
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
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
        try:
            async with asyncio.timeout(self._most(seconds)), self._engine.begin() as connection:
                if tenant_id is not None:
                    await set_tenant(connection, tenant_id)
                yield connection
        except (InterfaceError, PoolTimeout, OSError, TimeoutError) as error:
            raise Unavailable("the database cannot be reached") from error
        except DBAPIError as error:
            raise _translated(error) from error

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Connection]:
        """Run one reading statement without a transaction around it, which saves two round trips."""
        try:
            async with asyncio.timeout(self._most(0.0)), self._reading.connect() as connection:
                yield connection
        except (InterfaceError, PoolTimeout, OSError, TimeoutError) as error:
            raise Unavailable("the database cannot be reached") from error
        except DBAPIError as error:
            raise _translated(error) from error

    def _most(self, seconds: float) -> float | None:
        return None if self._most_seconds is None else max(self._most_seconds, seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


_SET = sa.select(sa.func.set_config("assetmix.tenant", sa.bindparam("tenant"), True))


async def set_tenant(connection: Connection, tenant_id: str) -> None:
    """Have the rest of the transaction see the rows of this tenant, and no others."""
    await connection.execute(_SET, {"tenant": tenant_id})


PASSING = ("25006", "40", "53", "55", "57")
"""SQLSTATEs that may be gone the next time: read-only, deadlock, no room, lock timeout, shutdown."""

UNIQUE = "23505"
FOREIGN = "23503"
"""SQLSTATE of a reference to what is gone, or of a deletion of what is referred to."""

UNSTORABLE = ("22", "54")
"""SQLSTATE classes of values that no check foresaw and the database cannot hold."""


def _translated(error: DBAPIError) -> Error | DBAPIError:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if error.connection_invalidated or isinstance(error, OperationalError) or state.startswith(PASSING):
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
