"""However a backtest comes to its decisions, they are the same: short way or whole, taken up again, made beforehand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assetmix.backtest.decisions import decide, foreseen, is_independent, ranges_of, steadied
from assetmix.backtest.run import Plan, plan
from assetmix.backtest.spec import Schedule
from assetmix.backtest.walk import Carried, Standing, walk
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import RateSeries
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.constraints.turnover import TurnoverLimit
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.resolve import Question
from assetmix.optimization.strategy import Objective, Strategy, Term, Trading, UniverseById
from tests import markets
from tests.makers import solve

SAME = 1e-6
"""Weights of two ways to one unique optimum."""


def least_variance(*ids: str, window: int = 60, **fields: object) -> Strategy:
    objective = Objective(sense="minimize", terms=(Term(measure=Variance()),))
    return Strategy(
        objective=objective,
        universe=UniverseById(ids=ids),
        risk_model=SampleRisk(window=window),
        trading=Trading(lots=False),
        **fields,
    )


def ready(prices: pd.DataFrame, strategy: Strategy, begin: int, every: int) -> Plan:
    schedule = Schedule(kind="sessions", every=every)
    spec = markets.spec_of(prices, start=prices.index[begin].date(), schedule=schedule)
    return plan(markets.question_of(prices, strategy), spec, markets.tools())


def walked(mine: Plan, start: Standing | None = None) -> list[tuple[Carried, Standing]]:
    stretches = walk(mine.course, mine.advise, start or mine.begin)
    return [(one.carried, one.standing) for one in stretches if one.carried is not None]


def test_a_walk_taken_up_again_decides_the_same_where_many_answers_are_equally_good() -> None:
    prices = markets.made_prices(count=8, sessions=200)
    strategy = least_variance(*prices.columns, window=4)  # three degrees of freedom for eight names
    whole = walked(ready(prices, strategy, 10, 5))

    for place in (5, 14):
        again = walked(ready(prices, strategy, 10, 5), whole[place][1])
        for (one, _), (other, _) in zip(whole[place + 1 :], again, strict=True):
            np.testing.assert_allclose(other.weights, one.weights, atol=SAME)


def test_days_without_a_price_of_the_benchmark_are_left_out_of_the_short_way_too() -> None:
    prices = markets.made_prices(count=5, sessions=220)
    prices.iloc[105:200:2, 4] = np.nan
    strategy = least_variance("S0", "S1", "S2", "S3", benchmark={"S4": 1.0})
    mine = ready(prices, strategy, 100, 60)

    for carried, _ in walked(mine):
        until = prices.iloc[: carried.decided + 1]
        now = solve(markets.question_of(until, strategy)).weights
        assert now is not None
        expected = [now.get(key, 0.0) for key in prices.columns]
        np.testing.assert_allclose(carried.weights, expected, atol=1e-4)  # the objective is flat at the optimum


def test_decisions_made_beforehand_are_those_of_the_walk_also_where_something_held_has_left() -> None:
    prices = markets.made_prices(count=5, sessions=260)
    prices.iloc[150:, 4] = np.nan
    strategy = least_variance(*prices.columns)

    alone, _ = steadied(ready(prices, strategy, 100, 20), markets.tools().memory)
    other = ready(prices, strategy, 100, 20)
    made = [decide(other, first, last) for first, last in ranges_of(other)]

    for (one, _), (two, _) in zip(walked(alone), walked(foreseen(other, made)), strict=True):
        assert one.status == two.status
        np.testing.assert_allclose(one.weights, two.weights, atol=SAME)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (least_variance("S0", "S1"), True),
        (least_variance("S0", "S1", constraints=(TurnoverLimit(upper=0.5),)), False),
        (replace(least_variance("S0", "S1"), trading=Trading(cost_fraction=0.001)), False),
        (replace(least_variance(), universe=UniverseById(ids=("S0",), keep_held=True)), False),
    ],
    ids=["limits of weights", "turnover", "costs", "what is held may stay"],
)
def test_what_looks_at_holdings_is_not_decided_beforehand(strategy: Strategy, expected: bool) -> None:  # noqa: FBT001
    prices = markets.made_prices(count=2, sessions=120)

    assert is_independent(ready(prices, strategy, 61, 5)) is expected


def test_what_is_known_of_one_portfolio_does_not_mislead_one_with_other_foreign_cash() -> None:
    prices = markets.made_prices(count=2, sessions=100)
    known = markets.snapshot_of(prices)
    rates = tuple(RateSeries(code, "USD", known.dates, np.full(100, 1.25)) for code in ("EUR", "GBP"))
    quoted = tuple(replace(one, currency=code) for one, code in zip(known.instruments, ("EUR", "GBP"), strict=True))
    snapshot = replace(known, instruments=quoted, rates=rates)
    spec = markets.spec_of(prices, start=prices.index[61].date(), schedule=Schedule(kind="never"))
    tools = markets.tools()

    for cash in ("$EUR", "$GBP"):
        portfolio = Portfolio(base_currency="USD", holdings={"$USD": 1e6, cash: 1000.0})
        question = Question(least_variance("S0", "S1"), portfolio, snapshot, "strategy", "snapshot")
        ((carried, standing),) = walked(plan(question, spec, tools))
        assert carried.status == "traded"
        assert standing.account.units[2] == 0  # the foreign cash is outside the universe and was sold
