"""Tail risk and ratios: Rockafellar and Uryasev's example, linear-fractional programs, and a peer under caps."""

import numpy as np
import pytest
import scipy.optimize
from skfolio import RiskMeasure
from skfolio.optimization import MeanRisk, ObjectiveFunction

from tests.reference.published import (
    Body,
    World,
    at_least,
    at_most,
    holding,
    maximize,
    minimize,
    model,
    names,
    random_covariance,
    run,
    weights,
)
from tests.tolerances import EXACT, SOLVED, WEIGHTS

RETURN: Body = {"kind": "expected_return"}

# Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2 (2000), tables 1 to 4:
# the S&P 500, long-term government bonds and small caps, monthly.
MEAN = np.array([0.0101110, 0.0043532, 0.0137058])
COVARIANCE = np.array(
    [
        [0.00324625, 0.00022983, 0.00420395],
        [0.00022983, 0.00049937, 0.00019247],
        [0.00420395, 0.00019247, 0.00764097],
    ]
)
THREE = World(ids=("SP", "GOV", "SMALL"), model=model(covariance=COVARIANCE, expected_returns=MEAN))
LEAST = [0.452013, 0.115573, 0.432414]
TAILS = [(0.90, 0.067847, 0.096975), (0.95, 0.090200, 0.115908), (0.99, 0.132128, 0.152977)]
PRINTED = 2e-6

COUNT, PERIODS = 6, 60
RETURNS = np.random.default_rng(8).multivariate_normal(
    np.random.default_rng(9).normal(6e-4, 6e-4, COUNT), random_covariance(COUNT, 10), PERIODS
)
SCENARIOS = World(ids=names(COUNT), model=model(scenarios=RETURNS))
FREE = 1e-4


def test_least_variance_for_a_return_of_eleven_tenths_of_a_percent_is_table_threes() -> None:
    result = run(minimize((1.0, {"kind": "variance"}), constraints=[at_least(RETURN, 0.011)]), THREE)

    assert weights(result, THREE) == pytest.approx(LEAST, abs=WEIGHTS)
    assert result.objective_value == pytest.approx(0.00378529, abs=1e-8)


@pytest.mark.parametrize(("level", "value_at_risk", "tail"), TAILS)
def test_least_normal_tail_is_that_portfolio_with_table_fours_risks(
    level: float, value_at_risk: float, tail: float
) -> None:
    """Under a return requirement that binds, the normal tail and the variance are least together (their section 4)."""
    measure = {"kind": "cvar", "level": level, "distribution": "normal"}
    report = [{"kind": "value_at_risk", "level": level, "distribution": "normal"}]

    result = run(minimize((1.0, measure), constraints=[at_least(RETURN, 0.011)], report=report), THREE)

    assert result.status == "optimal"
    assert weights(result, THREE) == pytest.approx(LEAST, abs=WEIGHTS)
    assert result.objective_value == pytest.approx(tail, abs=PRINTED)
    assert result.measures.optimal["value_at_risk"] == pytest.approx(value_at_risk, abs=PRINTED)
    assert result.measures.optimal["cvar"] == pytest.approx(tail, abs=PRINTED)


def test_scenarios_have_probabilities_in_the_tail_program() -> None:
    """Their equation (9) with probabilities in place of 1 / q, for scipy."""
    mass = np.random.default_rng(3).dirichlet(np.ones(PERIODS))
    level = 0.9
    rows = np.hstack([-RETURNS, -np.ones((PERIODS, 1)), -np.eye(PERIODS)])
    costs = np.concatenate([np.zeros(COUNT), [1.0], mass / (1 - level)])
    budget = np.concatenate([np.ones(COUNT), np.zeros(1 + PERIODS)])[None, :]
    bounds = [(0, None)] * COUNT + [(None, None)] + [(0, None)] * PERIODS
    best = scipy.optimize.linprog(costs, rows, np.zeros(PERIODS), budget, [1.0], bounds)
    world = SCENARIOS.having(model=model(scenarios=RETURNS, probabilities=mass))

    result = run(minimize((1.0, {"kind": "cvar", "level": level})), world)

    assert result.objective_value == pytest.approx(best.fun, rel=SOLVED)


def fractional(rows: np.ndarray, bottom: np.ndarray, mean: np.ndarray) -> float:
    """Largest (m - f)'w / bottom'z over weights and z with rows (w, z) <= 0, as a linear program.

    With y = w / bottom'z and s = 1 / bottom'z: maximize (m - f)'y subject to bottom'z = 1 and 1'y = s
    (Charnes and Cooper, Naval Research Logistics Quarterly 9, 1962); s needs no row of its own.
    """
    extra = rows.shape[1] - COUNT
    costs = np.concatenate([-(mean - FREE), np.zeros(extra)])
    one = np.concatenate([np.zeros(COUNT), bottom])[None, :]
    bounds = [(0, None)] * COUNT + [(None, None)] * extra
    return -float(scipy.optimize.linprog(costs, rows, np.zeros(len(rows)), one, [1.0], bounds).fun)


def tail_rows() -> np.ndarray:
    """z is a threshold and an excess for each scenario, losses above the threshold and not negative."""
    nothing = np.hstack([np.zeros((PERIODS, COUNT + 1)), -np.eye(PERIODS)])
    return np.vstack([np.hstack([-RETURNS, -np.ones((PERIODS, 1)), -np.eye(PERIODS)]), nothing])


def deviation_rows() -> np.ndarray:
    """z is at least each deviation from the mean on either side."""
    deviations = RETURNS - RETURNS.mean(axis=0)
    return np.vstack([np.hstack([side * deviations, -np.eye(PERIODS)]) for side in (1, -1)])


def drawdown_rows() -> np.ndarray:
    """z is at least the fall between any two days."""
    path = np.vstack([np.zeros(COUNT), np.cumsum(RETURNS, axis=0)])
    first, last = np.triu_indices(PERIODS + 1, 1)
    losses = path[first] - path[last]
    return np.hstack([losses, -np.ones((len(losses), 1))])


RATIOS = [
    ({"kind": "cvar", "level": 0.9}, tail_rows(), np.append(1.0, np.full(PERIODS, 1 / (0.1 * PERIODS)))),
    ({"kind": "mean_absolute_deviation"}, deviation_rows(), np.full(PERIODS, 1 / PERIODS)),
    ({"kind": "max_drawdown"}, drawdown_rows(), np.ones(1)),
]


@pytest.mark.parametrize(("risk", "rows", "bottom"), RATIOS, ids=lambda x: x["kind"] if isinstance(x, dict) else "")
def test_the_largest_ratio_is_charnes_and_coopers_program(risk: Body, rows: np.ndarray, bottom: np.ndarray) -> None:
    result = run(maximize((1.0, {"kind": "return_risk_ratio", "risk": risk, "risk_free": FREE})), SCENARIOS)

    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(fractional(rows, bottom, RETURNS.mean(axis=0)), rel=SOLVED)
    figures = result.measures.optimal
    ratio = (figures["expected_return"] - FREE) / figures[risk["kind"]]
    assert result.objective_value == pytest.approx(ratio, rel=EXACT)


def test_expected_returns_beside_scenarios_are_the_top_of_a_ratio_and_not_its_bottom() -> None:
    """Point 3: they win over the scenarios' mean, while the rows stay as they are."""
    views = RETURNS.mean(axis=0)[::-1].copy()
    world = SCENARIOS.having(model=model(scenarios=RETURNS, expected_returns=views))
    risk = {"kind": "max_drawdown"}

    result = run(maximize((1.0, {"kind": "return_risk_ratio", "risk": risk, "risk_free": FREE})), world)

    assert result.objective_value == pytest.approx(fractional(drawdown_rows(), np.ones(1), views), rel=SOLVED)


def test_sharpe_within_bounds_is_sequential_quadratic_programmings() -> None:
    mean, covariance = RETURNS.mean(axis=0), np.cov(RETURNS.T)
    bounds = [{"kind": "weight_bounds", "lower": 0.05, "upper": 0.3}]

    result = run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": FREE}), constraints=bounds), SCENARIOS)

    def negative(w: np.ndarray) -> float:
        return -float((mean - FREE) @ w / np.sqrt(w @ covariance @ w))

    budget = {"type": "eq", "fun": lambda w: w.sum() - 1}
    start = np.full(COUNT, 1 / COUNT)
    best = scipy.optimize.minimize(negative, start, bounds=[(0.05, 0.3)] * COUNT, constraints=budget, tol=1e-13)
    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(-best.fun, rel=1e-5)


def test_sharpe_with_a_leverage_cap_is_that_of_long_and_short_parts() -> None:
    """w = a - b with a, b >= 0 and 1'(a + b) <= 1.6 t, 1'(a - b) = t: a quadratic program in (a, b, t), for scipy."""
    mean, covariance = RETURNS.mean(axis=0), np.cov(RETURNS.T)
    cap = [{"kind": "leverage", "gross_upper": 1.6}]
    result = run(
        maximize((1.0, {"kind": "sharpe_ratio", "risk_free": FREE}), shorting=True, constraints=cap), SCENARIOS
    )

    difference = np.hstack([np.eye(COUNT), -np.eye(COUNT)])
    net, gross = difference.sum(axis=0), np.ones(2 * COUNT)
    top = difference.T @ (mean - FREE)
    limits = [
        {"type": "eq", "fun": lambda x: 1e3 * (top @ x - 1e-3)},
        {"type": "ineq", "fun": lambda x: 1.6 * net @ x - gross @ x},
    ]
    risks = difference.T @ covariance @ difference
    starts = [0.5 * (np.append(one, 0 * one) + 0.01) for one in np.eye(COUNT)]
    best = min(
        scipy.optimize.minimize(
            lambda x: 1e3 * x @ risks @ x, one, bounds=[(0, None)] * 12, constraints=limits, tol=1e-13
        ).fun
        for one in starts
    )
    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(1e-3 / np.sqrt(best / 1e3), rel=1e-4)
    assert np.abs(weights(result, SCENARIOS)).sum() == pytest.approx(1.6, abs=WEIGHTS)


def test_no_expected_return_above_the_riskless_one_is_told_as_such() -> None:
    """Maximizing a ratio that is negative everywhere would reward risk: it ends with a sentence, not with weights."""
    result = run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": 0.5})), SCENARIOS)

    assert result.status == "infeasible"
    assert result.weights is None
    assert "risk_free" in result.sentence


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_ratios_do_not_depend_on_the_unit_of_returns(scale: float) -> None:
    base = run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": FREE})), SCENARIOS)
    scaled = SCENARIOS.having(model=model(scenarios=scale * RETURNS))

    result = run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": scale * FREE})), scaled)

    assert result.objective_value == pytest.approx(base.objective_value, rel=SOLVED)


CAPS = [
    ({"kind": "cvar", "level": 0.9}, {"max_cvar": 0.02, "cvar_beta": 0.9}),
    ({"kind": "semideviation"}, {"max_semi_deviation": 0.009}),
    ({"kind": "mean_absolute_deviation"}, {"max_mean_absolute_deviation": 0.009}),
    ({"kind": "max_drawdown"}, {"max_max_drawdown": 0.075}),
    ({"kind": "average_drawdown"}, {"max_average_drawdown": 0.03}),
    ({"kind": "cdar", "level": 0.9}, {"max_cdar": 0.065, "cdar_beta": 0.9}),
    ({"kind": "ulcer_index"}, {"max_ulcer_index": 0.035}),
    ({"kind": "entropic_value_at_risk", "level": 0.9}, {"max_evar": 0.025, "evar_beta": 0.9}),
]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("risk", "fields"), CAPS, ids=lambda x: x.get("kind", ""))
def test_the_best_return_under_a_cap_of_risk_is_the_peers(risk: Body, fields: dict[str, float]) -> None:
    """Of skfolio, which takes the cap as a limit too."""
    peer = MeanRisk(ObjectiveFunction.MAXIMIZE_RETURN, RiskMeasure.VARIANCE, **fields).fit(RETURNS)
    cap = next(one for name, one in fields.items() if name.startswith("max_"))

    result = run(maximize((1.0, RETURN), constraints=[at_most(risk, cap)]), SCENARIOS)

    theirs = float(RETURNS.mean(axis=0) @ peer.weights_)
    assert theirs < RETURNS.mean(axis=0).max() - 1e-6
    assert result.status == "optimal"
    assert result.measures.optimal[risk["kind"]] <= cap * (1 + SOLVED)
    assert result.objective_value == pytest.approx(theirs, rel=WEIGHTS)


@pytest.mark.filterwarnings("default")
def test_costs_of_turnover_are_the_peers() -> None:
    """skfolio takes cost x |w - w0| off the expected return; here it is a term of its own, at no money."""
    before = np.array([0.5, 0.0, 0.3, 0.2, 0.0, 0.0])
    peer = MeanRisk(
        ObjectiveFunction.MAXIMIZE_UTILITY,
        RiskMeasure.VARIANCE,
        risk_aversion=4.0,
        previous_weights=before,
        transaction_costs=2e-4,
    ).fit(RETURNS)
    world = SCENARIOS.having(portfolio=holding(dict(zip(SCENARIOS.ids, before.tolist(), strict=True))))
    terms = ((1.0, RETURN), (-4.0, {"kind": "variance"}), (-2e-4, {"kind": "turnover"}))

    result = run(maximize(*terms), world)

    def utility(w: np.ndarray) -> float:
        variance = w @ np.cov(RETURNS.T) @ w
        return float(RETURNS.mean(axis=0) @ w - 4.0 * variance - 2e-4 * np.abs(w - before).sum())

    assert result.objective_value == pytest.approx(utility(weights(result, world)), rel=SOLVED)
    assert result.objective_value == pytest.approx(utility(peer.weights_), rel=WEIGHTS)


CONVEX: list[Body] = [
    *(
        {"kind": kind}
        for kind in ("volatility", "tracking_error", "mean_absolute_deviation", "semideviation", "downside_deviation")
    ),
    *({"kind": kind} for kind in ("cvar", "cdar", "max_drawdown", "ulcer_index", "entropic_value_at_risk")),
    {"kind": "cvar", "distribution": "normal"},
    {"kind": "tracking_error", "centered": False},
]


@pytest.mark.parametrize("risk", CONVEX, ids=lambda one: " ".join(str(part) for part in one.values()))
def test_the_least_risk_of_ten_markets_is_proven_optimal(risk: Body) -> None:
    """A convex program in six numbers: where it is only called feasible, nothing but accuracy is missing."""
    lost = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        rows = random.multivariate_normal(random.normal(8e-4, 5e-4, 6), random_covariance(6, seed), 60)
        world = World(ids=names(5), beyond=("INDEX",), model=model(scenarios=rows))
        result = run(minimize((1.0, risk), benchmark={"INDEX": 1.0}), world)
        if result.status != "optimal":
            lost.append((seed, result.status, result.proven_gap))

    assert lost == []
