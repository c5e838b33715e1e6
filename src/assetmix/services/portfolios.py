"""Portfolios: stored and looked up by id or client reference."""

from assetmix.domain.portfolio import Portfolio
from assetmix.errors import Fault, InvalidRequest, NotFound, PreconditionFailed
from assetmix.persistence import portfolios
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.services.context import Caller, House
from assetmix.services.ids import new_id
from assetmix.services.names import require_name

CURRENCY_LETTERS = 3


async def put_portfolio(
    house: House, caller: Caller, client_reference: str, portfolio: Portfolio, if_version: int | None = None
) -> tuple[StoredPortfolio, bool]:
    """Create a portfolio or replace what it holds; also whether it was created.

    Raises
    ------
    InvalidRequest
        when the name or the currency cannot be used
    PreconditionFailed
        when `if_version` is given and is not the present one
    """
    require_name(client_reference, "portfolio")
    _check(portfolio)
    async with house.database.transaction() as connection:
        if if_version is not None:
            known = await portfolios.find_portfolio(connection, caller.tenant_id, client_reference)
            if known is None or known.version != if_version:
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


def _check(portfolio: Portfolio) -> None:
    currency = portfolio.base_currency
    if len(currency) != CURRENCY_LETTERS or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        cure = "a currency is its three-letter code in capitals, for example USD (ISO 4217)"
        raise InvalidRequest(cure, [Fault("/base_currency", "invalid-currency", cure)])
