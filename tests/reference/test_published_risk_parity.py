"""Rules: equal risk contributions, budgets, diversification, and those with formulas of their own."""

import numpy as np
import pytest
import scipy.optimize

from assetmix.errors import SolverFailed
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import resolve
from tests.reference.published import (
    Body,
    World,
    covariance_of,
    maximize,
    model,
    names,
    optimum,
    question,
    random_covariance,
    refusal,
    run,
    weights,
)
from tests.tolerances import EXACT, SOLVED, WEIGHTS

PARITY: Body = {"objective": {"rule": "risk_parity"}}
BUDGETED = 1e-8
"""The promise of the rule: contributions come this near to their budgets."""

# Maillard, Roncalli and Teiletche, The properties of equally weighted risk contribution portfolios,
# Journal of Portfolio Management 36 (2010), the example with four instruments.
FOUR = covariance_of(
    [0.1, 0.2, 0.3, 0.4],
    [[1.0, 0.8, 0.0, 0.0], [0.8, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -0.5], [0.0, 0.0, -0.5, 1.0]],
)


def world_of(covariance: np.ndarray, **fields: object) -> World:
    return World(ids=names(len(covariance)), model=model(covariance=covariance), **fields)


def contributions(held: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return held * (covariance @ held) / (held @ covariance @ held)


def test_equal_contributions_of_four_instruments_are_the_papers() -> None:
    """38.4, 19.2, 24.3 and 18.2 %, at a volatility of 10.3 % between 8.6 % at the least and 11.5 % of equal weights."""
    held = optimum(PARITY, world_of(FOUR))

    assert held == pytest.approx([0.384, 0.192, 0.243, 0.182], abs=5e-4)
    assert np.sqrt(held @ FOUR @ held) == pytest.approx(0.103, abs=5e-4)
    assert contributions(held, FOUR) == pytest.approx(np.full(4, 0.25), abs=BUDGETED)


@pytest.mark.parametrize("correlation", [-0.1, 0.0, 0.3, 0.95])
def test_with_one_correlation_for_all_pairs_weights_are_inverse_to_volatility(correlation: float) -> None:
    """Their section on the case of constant correlation."""
    volatilities = np.array([0.05, 0.11, 0.2, 0.23, 0.4])

    held = optimum(PARITY, world_of(covariance_of(volatilities, correlation)))

    assert held == pytest.approx((1 / volatilities) / (1 / volatilities).sum(), abs=BUDGETED)


@pytest.mark.parametrize("correlation", [-0.99, -0.5, 0.7])
def test_two_instruments_are_inverse_to_volatility_whatever_their_correlation(correlation: float) -> None:
    assert optimum(PARITY, world_of(covariance_of([0.1, 0.3], correlation))) == pytest.approx(
        [0.75, 0.25], abs=BUDGETED
    )


def test_two_budgets_have_the_closed_form_of_a_quadratic() -> None:
    """Roncalli, Introduction to Risk Parity and Budgeting (2013), section 2.2: two instruments."""
    first, second, correlation, budget = 0.2, 0.3, 0.5, 0.7
    root = first * second * np.sqrt((budget - 0.5) ** 2 * correlation**2 + budget * (1 - budget))
    top = (budget - 0.5) * correlation * first * second - budget * second**2 + root
    share = top / ((1 - budget) * first**2 - budget * second**2 + 2 * (budget - 0.5) * correlation * first * second)
    rule = {"rule": "risk_parity", "budgets": {"A00": budget, "A01": 1 - budget}}

    held = optimum({"objective": rule}, world_of(covariance_of([first, second], correlation)))

    assert held == pytest.approx([share, 1 - share], abs=BUDGETED)


@pytest.mark.parametrize(("count", "seed"), [(2, 1), (5, 2), (20, 3), (50, 4), (50, 5)])
def test_budgets_are_the_contributions_of_random_markets(count: int, seed: int) -> None:
    covariance = random_covariance(count, seed)
    budgets = np.random.default_rng(seed).dirichlet(np.ones(count)) * 0.9 + 0.1 / count
    budgets /= budgets.sum()
    named = dict(zip(names(count), budgets.tolist(), strict=True))

    held = optimum({"objective": {"rule": "risk_parity", "budgets": named}}, world_of(covariance))

    assert held.sum() == pytest.approx(1.0, abs=EXACT)
    assert (held > 0).all()
    assert contributions(held, covariance) == pytest.approx(budgets, abs=BUDGETED)


def test_factor_form_and_covariance_have_the_same_parity() -> None:
    random = np.random.default_rng(6)
    exposures, factors = random.normal(0, 1, (12, 3)), np.diag([1e-4, 4e-5, 2e-5])
    specific = random.uniform(5e-5, 2e-4, 12)
    covariance = exposures @ factors @ exposures.T + np.diag(specific)
    form = model(exposures=exposures, factor_covariance=factors, specific_variance=specific)

    held = optimum(PARITY, World(ids=names(12), model=form))

    assert contributions(held, covariance) == pytest.approx(np.full(12, 1 / 12), abs=BUDGETED)


SMOOTH = [
    {"kind": "volatility"},
    {"kind": "semideviation"},
    {"kind": "downside_deviation"},
    {"kind": "cvar", "level": 0.9, "distribution": "normal"},
]
BUDGETS = np.array([0.4, 0.3, 0.2, 0.1])
ROWS = np.random.default_rng(7).multivariate_normal(np.full(4, -1e-3), random_covariance(4, 7), 200)
SCENARIOS = World(ids=names(4), model=model(scenarios=ROWS))


def budgeted(measure: Body) -> Body:
    named = dict(zip(SCENARIOS.ids, BUDGETS.tolist(), strict=True))
    return {"objective": {"rule": "risk_parity", "measure": measure, "budgets": named}}


@pytest.mark.parametrize("measure", SMOOTH, ids=lambda one: f"{one['kind']}")
def test_budgets_of_other_risks_are_the_products_of_weights_and_slopes(measure: Body) -> None:
    """Euler: a risk of degree one is the sum of weight x slope; slopes by central differences."""
    strategy = budgeted(measure)
    held = optimum(strategy, SCENARIOS)

    problem = resolve(question(strategy, SCENARIOS), Memory(1))
    risk = lambda w: float(problem.strategy.objective.measure.value(problem, w))  # noqa: E731
    slopes = np.array([(risk(held + 1e-6 * e) - risk(held - 1e-6 * e)) / 2e-6 for e in np.eye(4)])
    assert held.sum() == pytest.approx(1.0, abs=EXACT)
    assert held * slopes / risk(held) == pytest.approx(BUDGETS, abs=1e-4)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.973])
def test_budgets_of_cvar_are_the_contributions_in_a_mixture_of_worst_cases(level: float) -> None:
    """Any slope is a mean of the rows under masses of at most 1 / (1 - level) T that are full on what is worst.

    The least distance of budgets from contributions over all such masses is found by a linear program.
    """
    held = optimum(budgeted({"kind": "cvar", "level": level}), SCENARIOS)

    count, most = len(ROWS), 1 / ((1 - level) * len(ROWS))
    losses = -ROWS @ held
    last = np.sort(losses)[::-1][min(count - 1, int(np.floor((1 - level) * count + 1e-9)))]
    near = 1e-6
    lower, upper = np.where(losses > last + near, most, 0.0), np.where(losses < last - near, 0.0, most)
    parts = (-ROWS * held).T
    risk = float(sum(most * np.maximum(losses - last, 0)) + last)
    rows = np.block([[parts, -np.ones((4, 1))], [-parts, -np.ones((4, 1))]])
    right = np.concatenate([BUDGETS * risk, -BUDGETS * risk])
    bounds = [*zip(lower, np.maximum(lower, upper), strict=True), (0, None)]
    one = np.append(np.ones(count), 0.0)[None, :]
    best = scipy.optimize.linprog(np.append(np.zeros(count), 1.0), rows, right, one, [1.0], bounds)
    assert best.status == 0
    assert best.fun <= 1e-4 * risk


@pytest.mark.parametrize("kind", ["mean_absolute_deviation", "max_drawdown", "average_drawdown", "cdar", "ulcer_index"])
def test_budgets_of_kinked_risks_lie_between_the_slopes_on_either_side(kind: str) -> None:
    """At a kink the slopes form an interval for each weight, and budget x risk / weight lies in it."""
    strategy = budgeted({"kind": kind})
    held = optimum(strategy, SCENARIOS)

    problem = resolve(question(strategy, SCENARIOS), Memory(1))
    risk = lambda w: float(problem.strategy.objective.measure.value(problem, w))  # noqa: E731
    step = 1e-5
    for i, e in enumerate(np.eye(4)):
        below, above = (risk(held) - risk(held - step * e)) / step, (risk(held + step * e) - risk(held)) / step
        slope = risk(held) * BUDGETS[i] / held[i]
        assert below - 1e-4 * abs(below) <= slope <= above + 1e-4 * abs(above)


@pytest.mark.parametrize("kind", ["cvar", "semideviation", "mean_absolute_deviation", "max_drawdown"])
def test_budgets_of_other_risks_are_found_in_every_one_of_twelve_markets(kind: str) -> None:
    lost = []
    for seed in range(12):
        rows = np.random.default_rng(seed).multivariate_normal(np.full(4, -1e-3), random_covariance(4, 7), 200)
        try:
            optimum(budgeted({"kind": kind}), SCENARIOS.having(model=model(scenarios=rows)))
        except SolverFailed:
            lost.append(seed)

    assert lost == []


def test_budgets_that_are_not_for_all_leave_the_others_out() -> None:
    rule = {"rule": "risk_parity", "budgets": {"A00": 0.5, "A02": 0.5}}

    assert optimum({"objective": rule}, world_of(FOUR)) == pytest.approx([0.75, 0, 0.25, 0], abs=BUDGETED)


@pytest.mark.parametrize("correlation", [-0.2, 0.0, 0.6])
def test_the_most_diversified_with_one_correlation_is_inverse_to_volatility(correlation: float) -> None:
    """Choueifaty, Froidure and Reynier, Properties of the most diversified portfolio, Journal of Investment Strategies
    2 (2013); the ratio of n instruments is then sqrt(n / (1 + (n - 1) r)).
    """
    volatilities = np.array([0.1, 0.16, 0.25, 0.4])
    world = world_of(covariance_of(volatilities, correlation))
    expected = (1 / volatilities) / (1 / volatilities).sum()

    by_rule = run({"objective": {"rule": "maximum_diversification"}}, world)
    by_ratio = run(maximize((1.0, {"kind": "diversification_ratio"})), world)

    assert weights(by_rule, world) == pytest.approx(expected, abs=WEIGHTS)
    assert weights(by_ratio, world) == pytest.approx(expected, abs=WEIGHTS)
    assert by_ratio.objective_value == pytest.approx(np.sqrt(4 / (1 + 3 * correlation)), rel=SOLVED)


def test_the_most_diversified_of_many_is_the_least_variable_in_units_of_volatility() -> None:
    """Its weights over volatilities are the long-only minimum of the correlation matrix (Choueifaty and Coignard)."""
    covariance = random_covariance(10, 21)
    volatilities = np.sqrt(np.diag(covariance))
    scaled = world_of(covariance / np.outer(volatilities, volatilities))
    least = optimum({"objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}}]}}, scaled)

    held = optimum({"objective": {"rule": "maximum_diversification"}}, world_of(covariance))

    assert held == pytest.approx((least / volatilities) / (least / volatilities).sum(), abs=5e-4)


REFUSED = [
    ({"budgets": {"A00": 0.5, "A01": 0.4}}, "out-of-range"),
    ({"budgets": {"A00": 1.5, "A01": -0.5}}, "out-of-range"),
    ({"measure": {"kind": "variance"}}, "not-homogeneous"),
    ({"budgets": {"A00": 0.5, "XX": 0.5}}, "unknown-asset"),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED, ids=["short of one", "negative", "degree two", "a stranger"])
def test_budgets_that_mean_nothing_are_refused(fields: Body, code: str) -> None:
    assert code in {fault.code for fault in refusal({"objective": {"rule": "risk_parity", **fields}}, world_of(FOUR))}
