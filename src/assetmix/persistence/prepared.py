"""Statements that are asked on every request: put together once, and carried out by the driver.

SQLAlchemy puts them together, as it does all others; what it does around each execution and each row
takes as long as the round trip itself.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from assetmix.persistence.session import Connection, Driver, driver_of

Row = dict[str, Any]
"""Values by the names of columns."""

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # sqlalchemy's own constructor has no types


class Prepared:
    """A statement whose parameters are given as the driver takes them; documents, of type JSON, are written here.

    What comes back the driver reads, documents too: SQLAlchemy tells it how when it makes a connection.
    """

    def __init__(self, statement: sa.Select[Any] | sa.TextClause) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self._text = str(compiled)
        self._order = tuple(compiled.positiontup or ())
        self._known = {name: bound.value for name, bound in compiled.binds.items() if bound.value is not None}
        self._written = frozenset(name for name, one in compiled.binds.items() if isinstance(one.type, sa.JSON))

    async def rows(self, on: Connection | Driver, **values: object) -> list[Row]:
        """Give every row."""
        return [dict(one) for one in await _driver(on).fetch(self._text, *self._given(values))]

    async def one(self, on: Connection | Driver, **values: object) -> Row | None:
        """Give the first row, if there is one."""
        found = await _driver(on).fetchrow(self._text, *self._given(values))
        return None if found is None else dict(found)

    async def value(self, on: Connection | Driver, **values: object) -> Any:  # noqa: ANN401 - whatever the column holds
        """Give the first column of the first row."""
        return await _driver(on).fetchval(self._text, *self._given(values))

    def _given(self, values: Mapping[str, object]) -> list[object]:
        """Parameters in their order."""
        known = {**self._known, **values}
        return [_as_text(known[name]) if name in self._written else known[name] for name in self._order]


def _as_text(document: object) -> str | None:
    return None if document is None else json.dumps(document)


def _driver(on: Connection | Driver) -> Driver:
    return driver_of(on) if isinstance(on, Connection) else on
