"""Objectives that nothing holds back, and the sentences that say along which trades."""

from typing import Any

import pytest

from assetmix.estimation.specs import GivenForecast
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.leverage import Leverage
from assetmix.optimization.constraints.market_neutral import MarketNeutral
from assetmix.optimization.constraints.max_trades import MaxTrades
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.min_holdings import MinHoldings
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.tracking_error import TrackingError
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.measures.volatility import Volatility
from assetmix.optimization.result import Result
from assetmix.optimization.scope import Group
from assetmix.optimization.strategy import Objective, Term, Trading
from tests.makers import make_question, make_snapshot, make_strategy, solve, stock_ids
from tests.reference.clashes import CASH_ONLY, some

SNAPSHOT = make_snapshot(count=5, seed=21)
IDS = stock_ids(SNAPSHOT)
RETURNS = dict(zip(IDS, (0.01, 0.02, 0.05, 0.015, 0.005), strict=True))
TECHNOLOGY = Group(grouping="sectors", name="technology")
CURE = "bound the weights, the leverage or a risk measure."


def best(*constraints: Constraint, returns: Any = None, measure: Any = None, sense: str = "maximize") -> Result:
    """The largest expected return, or another measure, with short positions."""
    objective = Objective(sense=sense, terms=(Term(measure=measure or ExpectedReturn()),))
    strategy = make_strategy(
        objective=objective,
        constraints=constraints,
        forecast=GivenForecast(expected_returns=returns or RETURNS),
        shorting=True,
        trading=Trading(lots=False),
    )
    return solve(make_question(strategy, SNAPSHOT, CASH_ONLY))


def traded(result: Result, verb: str) -> set[str]:
    """Names that a sentence says are bought or sold."""
    return {part.split(f"{verb} ")[1].split(" ")[0] for part in result.sentence.split(", ") if f"{verb} " in part}


def test_the_best_is_bought_and_the_rest_sold_where_short_positions_pay_for_long_ones() -> None:
    """In the box |w| <= c with sum 1 the best corner: high returns at c, low ones at -c, the median between."""
    result = best()

    assert result.status == "unbounded"
    assert result.conflict == ()
    assert result.weights is None
    assert traded(result, "buying") == {"S01", "S02"}
    assert traded(result, "selling") == {"S00", "S04"}
    assert result.sentence.endswith(CURE)


def test_the_sentence_reads_well() -> None:
    result = best(WeightBounds(scope=some(0, 1, 3), lower=0.0))

    assert result.sentence == (
        f"Nothing holds the objective back: it improves without end by buying S02 (1), selling S04 (-1); {CURE}"
    )


def test_one_that_may_be_sold_is_enough() -> None:
    result = best(WeightBounds(scope=some(0, 1, 2, 3), lower=0.0))

    assert result.status == "unbounded"
    assert traded(result, "selling") == {"S04"}
    assert traded(result, "buying") == {"S02"}


def test_no_bound_of_a_group_holds_back_what_happens_inside_it() -> None:
    result = best(
        GroupWeight(scope=TECHNOLOGY, lower=0.2, upper=0.4),
        WeightBounds(scope=some(1, 2, 4), lower=0.0, upper=0.5),
    )

    assert result.status == "unbounded"
    assert traded(result, "buying") == {"S03"}
    assert traded(result, "selling") == {"S00"}


def test_borrowed_cash_buys_without_end() -> None:
    result = best(Cash(upper_fraction=0.1), WeightBounds(lower=0.0))

    assert result.status == "unbounded"
    assert traded(result, "buying") == set(IDS)


def test_cash_is_hoarded_by_sales_of_what_loses() -> None:
    result = best(Cash(lower_fraction=0.0), WeightBounds(upper=0.5), returns=dict.fromkeys(IDS, -0.01))

    assert result.status == "unbounded"
    assert traded(result, "selling") == set(IDS)


def test_market_neutral_without_leverage_is_unbounded() -> None:
    assert best(MarketNeutral()).status == "unbounded"


@pytest.mark.parametrize(
    "bound",
    [
        Leverage(gross_upper=2.0),
        WeightBounds(lower=-1.0, upper=1.0),
        MeasureLimit(measure=Volatility(), upper=0.02),
        MeasureLimit(measure=Variance(), upper=4e-4),
        MeasureLimit(measure=ConditionalValueAtRisk(level=0.5), upper=0.03),
    ],
    ids=lambda one: f"{one.kind} {getattr(getattr(one, 'measure', None), 'kind', '')}",
)
def test_each_cure_of_the_sentence_holds_the_objective_back(bound: Constraint) -> None:
    assert best(bound).status in {"optimal", "feasible"}


@pytest.mark.parametrize(
    "measure",
    [Variance(), Volatility(), TrackingError(), ConditionalValueAtRisk(level=0.5)],
    ids=lambda one: one.kind,
)
def test_risks_have_a_least_value_whatever_may_be_sold_short(measure: Any) -> None:
    assert best(measure=measure, sense="minimize").status in {"optimal", "feasible"}


def test_a_return_less_a_multiple_of_the_variance_is_bounded() -> None:
    objective = Objective(
        sense="maximize", terms=(Term(measure=ExpectedReturn()), Term(measure=Variance(), weight=-10.0))
    )
    strategy = make_strategy(
        objective=objective,
        forecast=GivenForecast(expected_returns=RETURNS),
        shorting=True,
        trading=Trading(lots=False),
    )

    assert solve(make_question(strategy, SNAPSHOT, CASH_ONLY)).status in {"optimal", "feasible"}


def test_a_conflict_comes_before_what_is_unbounded() -> None:
    result = best(GroupWeight(scope=TECHNOLOGY, lower=0.5), GroupWeight(scope=some(0, 3), upper=0.2))

    assert result.status == "infeasible"
    assert len(result.conflict) == 2


def test_costs_alone_do_not_bound_a_return_that_is_larger() -> None:
    objective = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))
    strategy = make_strategy(
        objective=objective,
        forecast=GivenForecast(expected_returns=RETURNS),
        shorting=True,
        trading=Trading(lots=False, cost_fraction=1e-3),
    )

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    assert result.status == "unbounded"
    assert "S02" in traded(result, "buying")


@pytest.mark.parametrize("one", [MinHoldings(count=2), MaxTrades(count=5)], ids=lambda one: one.kind)
def test_the_reach_of_the_indicators_is_no_bound(one: Constraint) -> None:
    # nothing bounds the weights: the larger a short position, the larger the return
    found = best(one)

    assert found.status == "unbounded"
    assert "bound the weights" in found.sentence
