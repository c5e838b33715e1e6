"""Optima that are known in closed form, or from a second formulation that shares no code with ours."""

import numpy as np
import pytest
import scipy.optimize

from assetmix.domain.portfolio import Portfolio
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.turnover import TurnoverLimit
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.tracking_error import TrackingError
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.scope import Group
from assetmix.optimization.strategy import Objective, Term, Trading
from tests.makers import INDEX, make_question, make_snapshot, make_strategy, solve, stock_ids
from tests.tolerances import SOLVED, WEIGHTS

SNAPSHOT = make_snapshot(count=6, periods=80, seed=11)
IDS = stock_ids(SNAPSHOT)
RETURNS = SNAPSHOT.history[1:] / SNAPSHOT.history[:-1] - 1
COVARIANCE = np.cov(RETURNS[:, :6].T)
FRACTIONS = Trading(lots=False)
CASH_ONLY = Portfolio(base_currency="USD", holdings={"$USD": 100_000.0})


def weights_of(**fields: object) -> np.ndarray:
    result = solve(make_question(make_strategy(trading=FRACTIONS, **fields), SNAPSHOT, CASH_ONLY))  # type: ignore[arg-type]
    assert result.status == "optimal"
    return np.array([result.weights[key] for key in IDS])


def test_minimum_variance_with_shorting_is_the_inverse_covariance_rule() -> None:
    """w = S^-1 1 / 1'S^-1 1 (Merton, Journal of Financial and Quantitative Analysis 7, 1972)."""
    ones = np.ones(6)
    expected = np.linalg.solve(COVARIANCE, ones) / (ones @ np.linalg.solve(COVARIANCE, ones))

    assert weights_of(measure=Variance(), shorting=True) == pytest.approx(expected, abs=WEIGHTS)


def test_mean_variance_utility_with_shorting_is_its_first_order_condition() -> None:
    """max mu'w - 2 w'Sw with 1'w = 1: w = S^-1 (mu - nu 1) / 4."""
    mean, ones = RETURNS[:, :6].mean(axis=0), np.ones(6)
    inverse = np.linalg.inv(COVARIANCE)
    nu = (ones @ inverse @ mean - 4) / (ones @ inverse @ ones)
    terms = (Term(measure=ExpectedReturn()), Term(measure=Variance(), weight=-2.0))

    found = weights_of(objective=Objective(sense="maximize", terms=terms), shorting=True)

    assert found == pytest.approx(inverse @ (mean - nu * ones) / 4, abs=WEIGHTS)


def test_minimum_tracking_error_is_a_regression_on_the_index() -> None:
    """Least squares of centered returns under a budget, through its KKT system."""
    centered = RETURNS - RETURNS.mean(axis=0)
    stocks, index = centered[:, :6], centered[:, 6]
    system = np.block([[stocks.T @ stocks, np.ones((6, 1))], [np.ones((1, 6)), np.zeros((1, 1))]])
    expected = np.linalg.solve(system, np.append(stocks.T @ index, 1.0))[:6]

    assert weights_of(measure=TrackingErrorSquared(), shorting=True) == pytest.approx(expected, abs=WEIGHTS)


def test_uncentered_tracking_error_counts_the_mean_difference() -> None:
    system = np.block([[RETURNS[:, :6].T @ RETURNS[:, :6], np.ones((6, 1))], [np.ones((1, 6)), np.zeros((1, 1))]])
    expected = np.linalg.solve(system, np.append(RETURNS[:, :6].T @ RETURNS[:, 6], 1.0))[:6]

    found = weights_of(measure=TrackingErrorSquared(centered=False), shorting=True)

    assert found == pytest.approx(expected, abs=WEIGHTS)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.97])
def test_minimum_cvar_is_the_linear_program_of_rockafellar_and_uryasev(level: float) -> None:
    """The same program, written for scipy without cvxpy; 79 scenarios make every tail fractional."""
    count = len(RETURNS)
    costs = np.concatenate([np.zeros(6), [1.0], np.full(count, 1 / ((1 - level) * count))])
    excess = np.hstack([-RETURNS[:, :6], -np.ones((count, 1)), -np.eye(count)])
    budget = np.concatenate([np.ones(6), np.zeros(count + 1)])[np.newaxis]
    bounds = [(0, None)] * 6 + [(None, None)] + [(0, None)] * count
    program = scipy.optimize.linprog(costs, excess, np.zeros(count), budget, [1.0], bounds, method="highs")
    strategy = make_strategy(ConditionalValueAtRisk(level=level), trading=FRACTIONS)

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    assert result.objective_value == pytest.approx(program.fun, rel=SOLVED)
    assert result.proven_gap == pytest.approx(0.0, abs=SOLVED)


def test_expected_return_alone_buys_the_best_up_to_its_cap() -> None:
    mean = RETURNS[:, :6].mean(axis=0)
    best, second = np.argsort(-mean)[:2]
    objective = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))

    found = weights_of(objective=objective, constraints=(WeightBounds(upper=0.7),))

    expected = np.zeros(6)
    expected[best], expected[second] = 0.7, 0.3
    assert found == pytest.approx(expected, abs=1e-6)


def test_general_problem_agrees_with_sequential_quadratic_programming() -> None:
    """All linear limits at once, against scipy's SLSQP on the plain functions."""
    mean, current = RETURNS[:, :6].mean(axis=0), np.array([0.3, 0.0, 0.2, 0.0, 0.1, 0.0])
    prices = SNAPSHOT.history[-1, :6]
    held = dict(zip(IDS, 100_000 * current / prices, strict=True))
    portfolio = Portfolio(base_currency="USD", holdings={"$USD": 40_000.0, **held})
    technology = np.array([1.0, 0, 0, 1, 0, 0])
    scope = Group(grouping="sectors", name="technology")
    strategy = make_strategy(
        objective=Objective(
            sense="maximize", terms=(Term(measure=ExpectedReturn()), Term(measure=Variance(), weight=-8.0))
        ),
        constraints=(
            WeightBounds(upper=0.35),
            GroupWeight(scope=scope, lower=0.25, upper=0.5),
            Cash(lower_fraction=0.02, upper_fraction=0.08),
            TurnoverLimit(upper=0.7),
        ),
        trading=FRACTIONS,
    )

    result = solve(make_question(strategy, SNAPSHOT, portfolio))

    limits = [
        {"type": "ineq", "fun": lambda z: 0.98 - z[:6].sum()},
        {"type": "ineq", "fun": lambda z: z[:6].sum() - 0.92},
        {"type": "ineq", "fun": lambda z: technology @ z[:6] - 0.25},
        {"type": "ineq", "fun": lambda z: 0.5 - technology @ z[:6]},
        {"type": "ineq", "fun": lambda z: 0.7 - z[6:].sum()},
        {"type": "ineq", "fun": lambda z: z[6:] - (z[:6] - current)},
        {"type": "ineq", "fun": lambda z: z[6:] + (z[:6] - current)},
    ]
    start = np.concatenate([current, np.zeros(6)])
    best = scipy.optimize.minimize(
        lambda z: 1e3 * (8 * z[:6] @ COVARIANCE @ z[:6] - mean @ z[:6]),
        start,
        bounds=[(0, 0.35)] * 6 + [(0, 2)] * 6,
        constraints=limits,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(-best.fun / 1e3, rel=1e-5)


def test_return_under_a_tracking_error_cap_reaches_the_cap() -> None:
    """A linear objective with one ellipsoid binding: the cap is met exactly."""
    cap = MeasureLimit(measure=TrackingError(), upper=0.004)
    objective = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))
    strategy = make_strategy(objective=objective, constraints=(cap,), shorting=True, trading=FRACTIONS)

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    active = np.append([result.weights[key] for key in IDS], -1.0)
    assert np.sqrt(active @ np.cov(RETURNS.T) @ active) == pytest.approx(0.004, rel=1e-5)
    assert result.measures.optimal is not None
    assert result.measures.optimal["tracking_error"] == pytest.approx(0.004, rel=1e-5)


def test_benchmark_inside_the_universe_is_matched() -> None:
    strategy = make_strategy(TrackingErrorSquared(), benchmark={IDS[0]: 0.6, IDS[3]: 0.4}, trading=FRACTIONS)

    result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))

    assert result.weights[IDS[0]] == pytest.approx(0.6, abs=WEIGHTS)
    assert result.weights[IDS[3]] == pytest.approx(0.4, abs=WEIGHTS)
    assert INDEX not in result.weights


def test_shadow_price_is_the_slope_of_the_objective() -> None:
    """Finite difference of the optimum by the bound, on either side."""
    scope = Group(grouping="sectors", name="technology")

    def optimum(upper: float) -> tuple[float, float]:
        strategy = make_strategy(Variance(), constraints=(GroupWeight(scope=scope, upper=upper),), trading=FRACTIONS)
        result = solve(make_question(strategy, SNAPSHOT, CASH_ONLY))
        price = {one.limit: one.shadow_price for one in result.binding}
        return result.objective_value, price[f"weight of technology is at most {100 * upper:g} %"]

    step = 1e-3
    (lower, _), (_, price), (higher, _) = optimum(0.2 - step), optimum(0.2), optimum(0.2 + step)

    assert price == pytest.approx((higher - lower) / (2 * step), rel=1e-3)
