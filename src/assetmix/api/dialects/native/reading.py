"""Wire to domain."""

from assetmix.api.dialects.native.schemas import PricesBody, RunBody
from assetmix.persistence.prices import Row
from assetmix.services.optimizations import Request


def read_prices(body: PricesBody) -> list[Row]:
    """Prices as rows."""
    return [
        (one.instrument, one.date, one.close, one.adjusted_close, one.open, one.high, one.low, one.volume)
        for one in body.prices
    ]


def read_run(body: RunBody) -> Request:
    """A request to optimize."""
    return Request(
        portfolio=body.portfolio,
        strategy=body.strategy,
        as_of=body.as_of,
        cash_flow=body.cash_flow,
        what_if=body.what_if,
        if_running=body.if_running,
        time_limit_seconds=body.time_limit_seconds,
    )
