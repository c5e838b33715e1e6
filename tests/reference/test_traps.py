"""Cases that went wrong once, each with the answer known by hand."""

import numpy as np
import pytest

from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.estimation.specs import GivenForecast, SampleRisk
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.tracking_error import TrackingError
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.memory import Memory
from assetmix.optimization.scope import Group, Ids
from assetmix.optimization.strategy import Objective, Term, Trading
from tests.makers import LAST_DAY, make_question, make_snapshot, make_strategy, solve, stock_ids

SNAPSHOT = make_snapshot(count=5, seed=21)
IDS = stock_ids(SNAPSHOT)
FRACTIONS = Trading(lots=False)
CASH_ONLY = Portfolio(base_currency="USD", holdings={"$USD": 100_000.0})
BEST_RETURN = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))


def test_accounts_with_benchmarks_of_their_own_do_not_share_a_compiled_problem() -> None:
    memory = Memory(32)
    strategy = make_strategy(TrackingError(), benchmark={}, trading=FRACTIONS)

    for key in IDS[:2]:
        held = Portfolio(base_currency="USD", holdings={"$USD": 1000.0}, benchmark={key: 1.0})
        result = solve(make_question(strategy, SNAPSHOT, held), memory)
        assert result.weights[key] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("factor", [1.0, 1e-2, 1e-4])
def test_a_cap_on_variance_holds_whatever_the_size_of_the_returns(factor: float) -> None:
    small = shrunk(SNAPSHOT, factor)
    least = solve(make_question(make_strategy(Variance(), trading=FRACTIONS), small, CASH_ONLY)).objective_value
    capped = make_strategy(
        objective=BEST_RETURN,
        constraints=(MeasureLimit(measure=Variance(), upper=1.5 * least),),
        trading=FRACTIONS,
    )
    impossible = make_strategy(
        objective=BEST_RETURN,
        constraints=(MeasureLimit(measure=Variance(), upper=0.98 * least),),
        trading=FRACTIONS,
    )

    reached = solve(make_question(capped, small, CASH_ONLY))
    refused = solve(make_question(impossible, small, CASH_ONLY))

    assert reached.measures.optimal["variance"] == pytest.approx(1.5 * least, rel=1e-4)
    assert refused.status == "infeasible"


def test_what_is_feasible_only_after_costs_is_feasible() -> None:
    """Five weights of at most 19.9 % sum to 99.5 %; costs of 1 % leave 99.01 % to invest."""
    strategy = make_strategy(
        Variance(), constraints=(WeightBounds(upper=0.199),), trading=Trading(cost_fraction=0.01, lots=False)
    )

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    assert result.status in {"optimal", "feasible"}
    assert sum(result.weights.values()) == pytest.approx(1 / 1.01, abs=1e-6)


def test_what_costs_make_impossible_is_explained() -> None:
    strategy = make_strategy(
        Variance(), constraints=(WeightBounds(lower=0.2),), trading=Trading(cost_fraction=0.01, lots=False)
    )

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    assert result.status == "infeasible"
    assert any("at least 20 %" in one.limit for one in result.conflict)


def test_orders_never_sell_more_than_is_held() -> None:
    lots = Instrument(id="LOTS", currency="USD", lot=100.0)
    snapshot = Snapshot(LAST_DAY, (lots,), np.array([10.0]), np.array([LAST_DAY.toordinal()]), np.array([[10.0]]))
    held = Portfolio(base_currency="USD", holdings={"$USD": -1400.0, "LOTS": 150.0})
    strategy = make_strategy(
        objective=BEST_RETURN,
        risk_model=None,
        benchmark={},
        forecast=GivenForecast(expected_returns={"LOTS": 0.01}),
        constraints=(Cash(lower_fraction=0.0),),
    )

    result = solve(make_question(strategy, snapshot, held))

    assert result.holdings.get("LOTS", 0.0) >= 0.0
    assert result.holdings["$USD"] >= 0.0


def test_a_cash_cap_without_a_floor_is_no_leave_to_overdraw() -> None:
    strategy = make_strategy(Variance(), constraints=(Cash(upper_fraction=0.02),))

    result = solve(make_question(strategy, SNAPSHOT, Portfolio(base_currency="USD", holdings={"$USD": 5000.0})))

    assert result.holdings["$USD"] >= 0.0


def test_fixed_costs_on_fractional_orders_cost_a_little_and_not_a_position() -> None:
    strategy = make_strategy(Variance(), trading=Trading(cost_amount=1.0, lots=False))

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    assert result.holdings["$USD"] == pytest.approx(0.0, abs=0.01)


def test_a_ratio_is_relaxed_in_units_of_the_ratio() -> None:
    """Technology at least 20 % of value, energy and technology together at most 50 %, and technology at most
    20 % of those two: the ratio has to rise to 0.2 / 0.5 = 40 %."""
    technology = Group(grouping="sectors", name="technology")
    members = [one.id for one in SNAPSHOT.instruments if one.share("sectors", "utilities") == 0 and one.tradable]
    both = Ids(ids=tuple(members))
    strategy = make_strategy(
        Variance(),
        constraints=(
            GroupWeight(scope=technology, lower=0.2),
            GroupWeight(scope=both, upper=0.5),
            GroupWeight(scope=technology, within=both, upper=0.2),
        ),
        trading=FRACTIONS,
    )

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    relax = {one.limit: one.relax_by for one in result.conflict}
    ratio = next(value for label, value in relax.items() if "within" in label)
    assert ratio == pytest.approx(0.2, rel=2e-3)


def test_a_ratio_of_nothing_to_nothing_is_kept() -> None:
    """The cheapest portfolio holds nothing of the outer group at all."""
    outer = Ids(ids=IDS[:2])
    inner = Ids(ids=IDS[:1])
    strategy = make_strategy(
        objective=Objective(sense="minimize", terms=(Term(measure=Variance()),)),
        constraints=(
            GroupWeight(scope=outer, upper=0.0),
            GroupWeight(scope=inner, within=outer, lower=0.4, upper=0.6),
        ),
        trading=FRACTIONS,
    )

    assert solve(make_question(strategy, SNAPSHOT, CASH_ONLY)).status == "optimal"


def test_tracking_a_fund_by_its_other_share_class_is_exact_and_bounded() -> None:
    """Identical columns: every fully invested portfolio tracks without error."""
    history = np.repeat(SNAPSHOT.history[:, :1], 3, axis=1)
    classes = tuple(Instrument(id=key, currency="USD") for key in ("A", "B", "C"))
    snapshot = Snapshot(LAST_DAY, classes, history[-1], SNAPSHOT.dates, history)
    strategy = make_strategy(TrackingError(), benchmark={"A": 1.0}, trading=FRACTIONS)

    result = solve(make_question(strategy, snapshot, CASH_ONLY))

    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(0.0, abs=1e-9)


def test_a_cap_on_the_objectives_own_cvar_leaves_its_proof_alone() -> None:
    measure = ConditionalValueAtRisk(level=0.9)
    strategy = make_strategy(measure, constraints=(MeasureLimit(measure=measure, upper=0.5),), trading=FRACTIONS)

    assert solve(make_question(strategy, SNAPSHOT, CASH_ONLY)).proven_gap == pytest.approx(0.0, abs=1e-6)


def test_expected_returns_without_a_forecast_have_the_risk_models_horizon() -> None:
    strategy = make_strategy(Variance(), risk_model=SampleRisk(horizon_days=365), trading=FRACTIONS)

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    returns = SNAPSHOT.history[1:] / SNAPSHOT.history[:-1] - 1
    weights = np.array([result.weights[key] for key in IDS])
    assert result.measures.optimal["expected_return"] == pytest.approx(252 * returns[:, :5].mean(axis=0) @ weights)


def shrunk(snapshot: Snapshot, factor: float) -> Snapshot:
    """The same market with every return multiplied by a factor."""
    returns = snapshot.history[1:] / snapshot.history[:-1] - 1
    paths = np.vstack([np.ones(returns.shape[1]), np.cumprod(1 + factor * returns, axis=0)])
    history = snapshot.history[0] * paths
    return Snapshot(snapshot.as_of, snapshot.instruments, history[-1], snapshot.dates, history)
