"""A portfolio and the strategy that is applied to it, in one round trip: nearly every request for a run begins so."""

import sqlalchemy as sa

from assetmix.persistence.portfolios import NAMED, StoredPortfolio, stored_portfolio
from assetmix.persistence.prepared import Prepared
from assetmix.persistence.rows import portfolios, strategies
from assetmix.persistence.session import Connection
from assetmix.persistence.strategies import StoredStrategy

_FIELDS = tuple(StoredStrategy.__dataclass_fields__)
_SAME_TENANT = strategies.c.tenant_id == portfolios.c.tenant_id
_OWN = portfolios.c.document["strategy"].as_string()
_NAME = sa.func.coalesce(sa.bindparam("strategy", type_=sa.Text), _OWN)
_NUMBER = sa.bindparam("strategy", type_=sa.Integer)


def _pair(which: sa.ColumnElement[bool]) -> Prepared:
    """The portfolio, which is locked, and beside it the strategy where there is one."""
    columns = [strategies.c[name].label(f"strategy_{name}") for name in _FIELDS]
    both = portfolios.outerjoin(strategies, _SAME_TENANT & which)
    return Prepared(sa.select(portfolios, *columns).select_from(both).where(*NAMED).with_for_update(of=portfolios))


_BY_NAME = _pair(strategies.c.name == _NAME)
_BY_NUMBER = _pair(strategies.c.strategy_id == _NUMBER)


async def find_pair(
    connection: Connection, tenant_id: str, portfolio: str, strategy: str | int | None
) -> tuple[StoredPortfolio | None, StoredStrategy | None]:
    """Give the portfolio of an id or client reference, locked, and a strategy by name or number, else its own.

    The portfolio is as it is once it is locked, the strategy as it was when the lock was asked for. A portfolio
    that was changed while its lock was waited for may come without its strategy.
    """
    query = _BY_NUMBER if isinstance(strategy, int) else _BY_NAME
    row = await query.one(connection, tenant_id=tenant_id, name=portfolio, strategy=strategy)
    if row is None:
        return None, None
    known = {name: row[f"strategy_{name}"] for name in _FIELDS}
    return stored_portfolio(row), None if known["strategy_id"] is None else StoredStrategy(**known)
