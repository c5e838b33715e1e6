"""Portfolios: stored and looked up by id or client reference."""

from assetmix.domain.portfolio import Portfolio
from assetmix.errors import Fault, NotFound, PreconditionFailed, escape
from assetmix.optimization.check import refuse
from assetmix.persistence import portfolios
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.services.context import Caller, House
from assetmix.services.ids import new_id
from assetmix.services.names import currency_faults, require_name

MOST_HOLDINGS = 10_000
MOST_UNITS = 1e15


async def put_portfolio(
    house: House, caller: Caller, client_reference: str, portfolio: Portfolio, if_tag: str | None = None
) -> tuple[StoredPortfolio, bool]:
    """Create a portfolio or replace what it holds; also whether it was created.

    Raises
    ------
    InvalidRequest
        when the name or the currency cannot be used
    PreconditionFailed
        when `if_tag` is given and is not the present one
    """
    require_name(client_reference, "portfolio")
    refuse(portfolio_faults(portfolio))
    async with house.database.transaction() as connection:
        if if_tag is not None:
            known = await portfolios.find_portfolio(connection, caller.tenant_id, client_reference, lock=True)
            if known is None or known.tag != if_tag:
                raise PreconditionFailed("the portfolio has changed since it was read; read it again")
        return await portfolios.put_portfolio(connection, caller.tenant_id, new_id("P"), client_reference, portfolio)


async def get_portfolio(house: House, caller: Caller, name: str) -> StoredPortfolio:
    """Give a portfolio by id or client reference.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction() as connection:
        found = await portfolios.find_portfolio(connection, caller.tenant_id, name)
    if found is None:
        raise NotFound("no such portfolio")
    return found


async def list_portfolios(house: House, caller: Caller, after: str, limit: int) -> list[StoredPortfolio]:
    """Give portfolios after an id, by id."""
    async with house.database.transaction() as connection:
        return await portfolios.list_portfolios(connection, caller.tenant_id, after, limit)


async def delete_portfolio(house: House, caller: Caller, name: str) -> None:
    """Delete a portfolio with its runs."""
    async with house.database.transaction() as connection:
        if not await portfolios.delete_portfolio(connection, caller.tenant_id, name):
            raise NotFound("no such portfolio")


def portfolio_faults(portfolio: Portfolio, pointer: str = "") -> list[Fault]:
    """Find what is wrong with a portfolio whatever is done with it."""
    faults = currency_faults(portfolio.base_currency, f"{pointer}/base_currency")
    if len(portfolio.holdings) > MOST_HOLDINGS:
        faults.append(Fault(f"{pointer}/holdings", "limit-exceeded", f"at most {MOST_HOLDINGS} holdings"))
    for kind, figures in (("holdings", portfolio.holdings), ("benchmark", portfolio.benchmark)):
        for key, figure in figures.items():
            if abs(figure) > MOST_UNITS:
                detail = f"a quantity is at most {MOST_UNITS:g} either way"
                faults.append(Fault(f"{pointer}/{kind}/{escape(key)}", "out-of-range", detail))
    return faults
