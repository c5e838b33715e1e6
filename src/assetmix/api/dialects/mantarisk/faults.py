"""Faults of the core in terms of the strategy that the caller has written."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from assetmix.api.dialects.mantarisk.reading import places_of, pointed
from assetmix.api.dialects.mantarisk.schemas import PortfolioBody
from assetmix.domain.instrument import cash_key
from assetmix.errors import InvalidRequest, NotFound, escape
from assetmix.services import strategies
from assetmix.services.context import Caller, House

PREFIX = "/strategy"


@contextmanager
def of_components(body: PortfolioBody) -> Iterator[None]:
    """Give what a portfolio is refused for the pointers of the body that it was read from.

    Raises
    ------
    InvalidRequest
        what was raised inside, with other pointers
    """
    places = {"/base_currency": "/currency", f"/holdings/{cash_key(body.currency)}": "/cash"}
    places |= {f"/holdings/{escape(one.instrument_code)}": f"/components/{i}" for i, one in enumerate(body.components)}
    try:
        yield
    except InvalidRequest as error:
        error.faults = tuple(pointed(one, places) for one in error.faults)
        raise


@asynccontextmanager
async def in_own_words(inside: House, caller: Caller, strategy_id: int) -> AsyncIterator[None]:
    """Give what a request is refused for the pointers of the strategy's own document.

    Raises
    ------
    InvalidRequest
        what was raised inside, with other pointers
    """
    try:
        yield
    except InvalidRequest as error:
        try:
            stored = await strategies.get_numbered(inside, caller, strategy_id)
        except NotFound:
            raise error from None
        if stored.details is not None:
            places = places_of(stored.details)
            error.faults = tuple(pointed(one, places, PREFIX) for one in error.faults)
        raise
