"""Strategies: checked, stored with every version, looked up by name or number."""

from dataclasses import dataclass
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


async def put_numbered(
    house: House, caller: Caller, number: int | None, named: "Named", expected: Expected = ANYTHING
) -> tuple[StoredStrategy, bool]:
    """Create a strategy of another dialect, or replace the one of a number; also whether it was created.

    Raises
    ------
    NotFound
        when there is none of that number
    Conflict
        when another strategy has the name, or the name would change
    InvalidRequest, PreconditionFailed, PreconditionRequired
        as `put_strategy` does
    """
    require_name(named.name, "strategy")
    async with house.database.transaction(caller.tenant_id) as connection:
        await strategies.lock_strategies(connection, caller.tenant_id)
        same = await strategies.find_strategy(connection, caller.tenant_id, named.name)
        known = same
        if number is not None:
            known = await strategies.find_strategy_by_id(connection, caller.tenant_id, number)
            if known is None:
                raise NotFound("no such strategy; PUT /strategy without an id makes one")
        require(expected, known, caller, "strategy")
        _require_name_kept(known, same, named, is_new=number is None)
        put = strategies.put_strategy(connection, caller.tenant_id, named.name, named.strategy, named.details)
        stored, created = await put
        await note(connection, caller.tenant_id, entry(caller, "strategy.put", named.name, version=stored.version))
    return stored, created


def _require_name_kept(
    known: StoredStrategy | None, same: StoredStrategy | None, named: "Named", *, is_new: bool
) -> None:
    if is_new and same is not None and same.details != named.details:
        raise Conflict(f"strategy {same.strategy_id} has this name; PUT /strategy/{same.strategy_id} replaces it")
    if known is not None and known.name != named.name:
        raise Conflict(f"strategy {known.strategy_id} is named {known.name}, by which portfolios refer to it; it stays")


@dataclass(frozen=True, slots=True)
class Named:
    """A strategy with its name, and the document of another dialect that it was read from."""

    name: str
    strategy: Strategy
    details: dict[str, Any]


async def ensure(house: House, caller: Caller, named: Named) -> None:
    """Store a strategy unless there is one of its name."""
    async with house.database.transaction(caller.tenant_id) as connection:
        if await strategies.find_strategy(connection, caller.tenant_id, named.name) is not None:
            return
        await strategies.lock_strategies(connection, caller.tenant_id)
        if await strategies.find_strategy(connection, caller.tenant_id, named.name) is None:
            await strategies.put_strategy(connection, caller.tenant_id, named.name, named.strategy, named.details)
            await note(connection, caller.tenant_id, entry(caller, "strategy.put", named.name, version=1))


async def get_numbered(house: House, caller: Caller, number: int) -> StoredStrategy:
    """Give a strategy by number.

    Raises
    ------
    NotFound
        when there is none of that number
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await strategies.find_strategy_by_id(connection, caller.tenant_id, number)
    if found is None:
        raise NotFound("no such strategy")
    return found


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
