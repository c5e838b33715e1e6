"""Strategies: checked, stored with every version, looked up by name or number."""

from typing import Any

from assetmix.errors import Conflict, NotFound
from assetmix.optimization.check import check_strategy, refuse
from assetmix.optimization.strategy import Strategy
from assetmix.persistence import strategies
from assetmix.persistence.journal import note
from assetmix.persistence.strategies import StoredStrategy
from assetmix.services.context import Caller, House, entry
from assetmix.services.ids import looks_like_id
from assetmix.services.names import require_name
from assetmix.services.preconditions import ANYTHING, Expected, require


async def put_strategy(
    house: House, caller: Caller, name: str, strategy: Strategy, expected: Expected = ANYTHING
) -> tuple[StoredStrategy, bool]:
    """Create a strategy or add a version to it; also whether it was created.

    Raises
    ------
    InvalidRequest
        with every fault that can be found without a portfolio
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    require_name(name, "strategy")
    refuse(check_strategy(strategy))
    async with house.database.transaction(caller.tenant_id) as connection:
        await strategies.lock_strategies(connection, caller.tenant_id)
        known = await strategies.find_strategy(connection, caller.tenant_id, name)
        require(expected, known, caller, "strategy")
        stored, created = await strategies.put_strategy(connection, caller.tenant_id, name, strategy)
        await note(connection, caller.tenant_id, entry(caller, "strategy.put", name, version=stored.version))
    return stored, created


async def get_strategy(house: House, caller: Caller, name: str) -> StoredStrategy:
    """Give a strategy by name.

    Raises
    ------
    NotFound
        when there is none of that name
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await strategies.find_strategy(connection, caller.tenant_id, name)
    if found is None:
        raise NotFound("no such strategy")
    return found


async def list_strategies(house: House, caller: Caller, after: int, limit: int) -> list[StoredStrategy]:
    """Give strategies after a number, by number."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await strategies.list_strategies(connection, caller.tenant_id, after, limit)


async def list_versions(house: House, caller: Caller, name: str) -> list[dict[str, Any]]:
    """Give every version of a strategy, oldest first."""
    stored = await get_strategy(house, caller, name)
    async with house.database.transaction(caller.tenant_id) as connection:
        return await strategies.list_versions(connection, caller.tenant_id, stored.strategy_id)


async def delete_strategy(house: House, caller: Caller, name: str, expected: Expected = ANYTHING) -> None:
    """Delete a strategy; runs that used it keep their own copy.

    Raises
    ------
    NotFound
        when there is none of that name
    Conflict
        for the strategy of a policy
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        await strategies.lock_strategies(connection, caller.tenant_id)
        known = await strategies.find_strategy(connection, caller.tenant_id, name)
        require(expected, known, caller, "strategy")
        if known is not None and looks_like_id(name):
            raise Conflict("this strategy is a policy's; PUT /robo-advisor/policies/ changes it")
        if not await strategies.delete_strategy(connection, caller.tenant_id, name):
            raise NotFound("no such strategy")
        await note(connection, caller.tenant_id, entry(caller, "strategy.delete", name))


async def check_only(house: House, caller: Caller, strategy: str | Strategy) -> None:
    """Refuse a strategy that cannot be stored, storing nothing; one that is named is checked as it is stored.

    Raises
    ------
    NotFound
        when there is none of that name
    InvalidRequest
        with every fault
    """
    whole = (await get_strategy(house, caller, strategy)).strategy if isinstance(strategy, str) else strategy
    refuse(check_strategy(whole))
