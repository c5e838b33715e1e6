"""Parts of backtests: written by the attempt that owns the run, read by the next one and by callers."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from assetmix.persistence.optimizations import Run
from assetmix.persistence.run_rows import backtest_parts
from assetmix.persistence.session import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """What a part is stored with: its decisions counted from `first`, as JSON text."""

    number: int
    first: int
    count: int
    path: bytes
    decisions: str


async def add_part(connection: Connection, run: Run, part: StoredPart) -> None:
    """Store a part, once; in a transaction in which the run was found to be this attempt's."""
    values = {"number": part.number, "first": part.first, "count": part.count, "path": part.path}
    decisions = sa.cast(sa.literal(part.decisions, sa.Text()), JSONB)
    statement = insert(backtest_parts).values(tenant_id=run.tenant_id, run_id=run.id, decisions=decisions, **values)
    await connection.execute(statement.on_conflict_do_nothing())


async def paths_of(connection: Connection, tenant_id: str, run_id: str) -> Sequence[bytes]:
    """Give what a walk needs to go on, part after part."""
    query = sa.select(backtest_parts.c.path).where(*_of(tenant_id, run_id)).order_by(backtest_parts.c.number)
    return [bytes(path) for path in (await connection.execute(query)).scalars()]


async def decisions_of(
    connection: Connection, tenant_id: str, run_id: str, first: int, limit: int
) -> tuple[int, list[str]]:
    """Give the texts that hold decisions from `first` on, and the number of the first decision in them."""
    end = backtest_parts.c.first + backtest_parts.c.count
    inside = (end > first) & (backtest_parts.c.first < first + limit)
    text = sa.cast(backtest_parts.c.decisions, sa.Text)
    query = sa.select(backtest_parts.c.first, text).where(*_of(tenant_id, run_id), inside)
    rows = (await connection.execute(query.order_by(backtest_parts.c.number))).all()
    return (rows[0][0] if rows else first), [row[1] for row in rows]


def _of(tenant_id: str, run_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (backtest_parts.c.tenant_id == tenant_id, backtest_parts.c.run_id == run_id)
