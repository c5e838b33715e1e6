"""Portfolios: stored and looked up by id or client reference."""

from collections.abc import Mapping
from dataclasses import replace

from assetmix.domain.portfolio import Portfolio
from assetmix.errors import Conflict, Fault, NotFound, escape
from assetmix.optimization.check import refuse
from assetmix.persistence import outcomes, portfolios
from assetmix.persistence.journal import note
from assetmix.persistence.outcomes import Actor
from assetmix.persistence.portfolios import NewContent, StoredPortfolio
from assetmix.services.context import Caller, House, entry
from assetmix.services.ids import new_id
from assetmix.services.names import currency_faults, require_name
from assetmix.services.preconditions import ANYTHING, Expected, require

MOST_HOLDINGS = 10_000
MOST_UNITS = 1e15


async def put_portfolio(
    house: House, caller: Caller, client_reference: str, portfolio: Portfolio, expected: Expected = ANYTHING
) -> tuple[StoredPortfolio, bool]:
    """Create a portfolio or replace what it holds; also whether it was created.

    Raises
    ------
    InvalidRequest
        when the name or the currency cannot be used
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    require_name(client_reference, "portfolio")
    refuse(portfolio_faults(portfolio))
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await portfolios.find_portfolio(connection, caller.tenant_id, client_reference, lock=True)
        require(expected, known, caller, "portfolio")
        _require_currency(known, portfolio)
        content = NewContent(portfolio=portfolio, author=caller.key_id)
        put = portfolios.put_portfolio(connection, caller.tenant_id, new_id("P"), client_reference, content)
        stored, created = await put
        if known is None and not created:
            # nothing was there to lock, and another request was faster
            require(expected, stored, caller, "portfolio")
        await note(connection, caller.tenant_id, entry(caller, "portfolio.put", stored.id, version=stored.version))
    return stored, created


def _require_currency(known: StoredPortfolio | None, portfolio: Portfolio) -> None:
    """Refuse to change the currency of a portfolio of an owner, whose policy is in that currency."""
    if known is not None and known.details and known.document["base_currency"] != portfolio.base_currency:
        raise Conflict("this portfolio has an owner and a policy; PATCH /portfolios/{id}/ changes its currency")


async def get_portfolio(house: House, caller: Caller, name: str) -> StoredPortfolio:
    """Give a portfolio by id or client reference.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await portfolios.find_portfolio(connection, caller.tenant_id, name)
    if found is None:
        raise NotFound("no such portfolio")
    return found


async def find(house: House, caller: Caller, name: str) -> StoredPortfolio | None:
    """Give a portfolio by id or client reference, None where there is none."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await portfolios.find_portfolio(connection, caller.tenant_id, name)


async def reference_of(house: House, caller: Caller, portfolio_id: str | None) -> str:
    """Give the client reference of a portfolio; its id where it is gone."""
    found = None if portfolio_id is None else await find(house, caller, portfolio_id)
    return (portfolio_id or "") if found is None else found.client_reference


async def put_benchmark(
    house: House, caller: Caller, client_reference: str, benchmark: Mapping[str, float]
) -> StoredPortfolio:
    """Give a portfolio other benchmark weights.

    Raises
    ------
    NotFound
        when there is no such portfolio
    InvalidRequest
        as `put_portfolio` does
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await portfolios.find_portfolio(connection, caller.tenant_id, client_reference, lock=True)
        if known is None:
            raise NotFound("no such portfolio; PUT /portfolio first")
        changed = replace(known.portfolio, benchmark=benchmark)
        refuse(portfolio_faults(changed))
        content = NewContent(portfolio=changed, author=caller.key_id, details=known.details)
        stored = await portfolios.change_portfolio(connection, caller.tenant_id, known, content, known.client_reference)
        await note(connection, caller.tenant_id, entry(caller, "portfolio.put", stored.id, version=stored.version))
    return stored


async def list_portfolios(house: House, caller: Caller, after: str, limit: int) -> list[StoredPortfolio]:
    """Give portfolios after an id, by id."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await portfolios.list_portfolios(connection, caller.tenant_id, after, limit)


async def delete_portfolio(house: House, caller: Caller, name: str, expected: Expected = ANYTHING) -> None:
    """Delete a portfolio with its runs; one of an owner is marked as deleted.

    Raises
    ------
    NotFound
        when there is none of that name
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await portfolios.find_portfolio(connection, caller.tenant_id, name, lock=True)
        require(expected, known, caller, "portfolio")
        if known is None:
            raise NotFound("no such portfolio")
        await outcomes.abandon(connection, caller.tenant_id, known.id, Actor(caller.key_id, caller.request_id))
        if known.details:  # its versions and transactions stay readable
            await portfolios.mark_deleted(connection, caller.tenant_id, known, caller.key_id)
        else:
            await portfolios.delete_portfolio(connection, caller.tenant_id, known.id)
        await note(connection, caller.tenant_id, entry(caller, "portfolio.delete", name))


def portfolio_faults(portfolio: Portfolio, pointer: str = "") -> list[Fault]:
    """Find what is wrong with a portfolio whatever is done with it."""
    faults = currency_faults(portfolio.base_currency, f"{pointer}/base_currency")
    if len(portfolio.holdings) > MOST_HOLDINGS:
        faults.append(Fault(f"{pointer}/holdings", "limit-exceeded", f"at most {MOST_HOLDINGS} holdings"))
    if portfolio.divest_amount < 0:
        detail = "what is to be divested is an amount of money, 0 or more"
        faults.append(Fault(f"{pointer}/divest_amount", "out-of-range", detail))
    for kind, figures in (("holdings", portfolio.holdings), ("benchmark", portfolio.benchmark)):
        for key, figure in figures.items():
            if abs(figure) > MOST_UNITS:
                detail = f"a quantity is at most {MOST_UNITS:g} either way"
                faults.append(Fault(f"{pointer}/{kind}/{escape(key)}", "out-of-range", detail))
    return faults
