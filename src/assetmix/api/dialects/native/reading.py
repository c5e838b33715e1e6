"""Wire to domain."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from assetmix.api.dialects.native.schemas import (
    BacktestBody,
    BatchBody,
    Figures,
    FrontierBody,
    PriceBody,
    PricesBody,
    QuestionBody,
    RiskModelBody,
    RunBody,
    SettingsBody,
    Table,
    ValidationBody,
)
from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.given_model import GivenModel
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.universe import Universe
from assetmix.errors import Fault
from assetmix.marketdata.rows import PriceRow
from assetmix.optimization.check import refuse
from assetmix.optimization.frontier import FrontierSpec
from assetmix.services.batches import BatchRequest
from assetmix.services.optimizations import Request
from assetmix.services.webhooks import Wanted

TABLES = ("covariance", "exposures", "factor_covariance", "scenarios")


def read_prices(body: PricesBody) -> list[PriceRow]:
    """Prices and exchange rates as rows."""
    return [_price(one) for one in body.prices]


def read_run(body: RunBody) -> Request:
    """A request to optimize."""
    return replace(_question(body), what_if=body.what_if, if_running=body.if_running)


def read_frontier(body: FrontierBody) -> Request:
    """A request for a frontier."""
    return replace(_question(body), kind="frontier", frontier=FrontierSpec(x=body.x, y=body.y, points=body.points))


def read_risk_model(body: RiskModelBody) -> GivenModel:
    """A risk model as arrays.

    Raises
    ------
    InvalidRequest
        naming every row that is longer or shorter than the first of its table
    """
    refuse([fault for name in TABLES for fault in _ragged(name, getattr(body, name))])
    return GivenModel(
        universe=Universe(tuple(body.instruments)),
        horizon_days=body.horizon_days,
        as_of=body.as_of,
        expected_returns=_vector(body.expected_returns),
        covariance=_matrix(body.covariance),
        exposures=_matrix(body.exposures),
        factor_covariance=_matrix(body.factor_covariance),
        specific_variance=_vector(body.specific_variance),
        scenarios=_matrix(body.scenarios),
        probabilities=_vector(body.probabilities),
    )


def read_backtest(body: BacktestBody) -> Request:
    """A request to walk a strategy through past sessions."""
    return Request(
        portfolio=body.portfolio,
        strategy=body.strategy,
        as_of=body.end,
        time_limit_seconds=body.time_limit_seconds,
        kind="backtest",
        backtest=body.spec(),
    )


def read_batch(body: BatchBody) -> BatchRequest:
    """A request to apply a strategy to many portfolios.

    Raises
    ------
    InvalidRequest
        when portfolios are both named and asked for, or neither
    """
    if (body.portfolios is None) == (body.query is None):
        detail = "name the portfolios, or give a query that selects them; {} selects all"
        refuse([Fault("/portfolios", "portfolios-or-query", detail)])
    return BatchRequest(
        strategy=body.strategy,
        portfolios=None if body.portfolios is None else tuple(body.portfolios),
        selection=body.query,
        risk_model=body.risk_model,
        as_of=body.as_of,
        gap=body.gap,
        seconds_each=body.seconds_each,
        time_limit_seconds=body.time_limit_seconds,
    )


def _question(body: QuestionBody) -> Request:
    return Request(
        portfolio=body.portfolio,
        strategy=body.strategy,
        risk_model=body.risk_model,
        as_of=body.as_of,
        cash_flow=body.cash_flow,
        time_limit_seconds=body.time_limit_seconds,
        gap=body.gap,
    )


def _price(one: PriceBody) -> PriceRow:
    row = (one.instrument, one.date, one.close, one.adjusted_close, one.open, one.high, one.low, one.volume)
    return row if one.quote is None else (*row, one.quote)


def _ragged(name: str, table: Table | None) -> Iterator[Fault]:
    if table:
        width = len(table[0])
        for i, row in enumerate(table):
            if len(row) != width:
                yield Fault(f"/{name}/{i}", "wrong-shape", f"{len(row)} figures in a table whose first row has {width}")


def _matrix(table: Table | None) -> Matrix | None:
    if table is None:
        return None
    width = len(table[0]) if table else 0
    return readonly(np.array(table, dtype=np.float64).reshape(len(table), width))


def _vector(figures: Figures | None) -> Vector | None:
    return None if figures is None else readonly(figures)


def read_endpoints(body: SettingsBody) -> list[Wanted] | None:
    """Endpoints to have in place of those that there are; None to leave them."""
    if body.webhooks is None:
        return None
    return [
        Wanted(
            url=one.url,
            events=None if one.events is None else tuple(one.events),
            rotate_secret=one.rotate_secret,
        )
        for one in body.webhooks
    ]


def read_feasibility(body: ValidationBody, portfolio: str | Portfolio) -> Request:
    """A request to find out whether limits can hold together."""
    return Request(
        portfolio=portfolio,
        strategy=body.strategy,
        risk_model=body.risk_model,
        as_of=body.as_of,
        cash_flow=body.cash_flow,
        kind="feasibility",
    )
