"""What callers read of backtests beside their runs."""

from typing import Any

from assetmix.codec.backtests import page_of
from assetmix.persistence import backtests
from assetmix.services.context import Caller, House
from assetmix.services.optimizations import get_run


async def decisions(house: House, caller: Caller, run_id: str, first: int, limit: int) -> list[dict[str, Any]]:
    """Give decisions of a backtest with weights and trades, counted from 0, as far as they are made.

    Raises
    ------
    NotFound
        when there is no such backtest
    """
    await get_run(house, caller, run_id, kind="backtest")
    async with house.database.transaction(caller.tenant_id) as connection:
        begins, texts = await backtests.decisions_of(connection, caller.tenant_id, run_id, first, limit)
    return page_of(texts, first - begins, limit)
