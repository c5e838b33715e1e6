"""Mean-variance portfolios: published tables, and closed forms with any number of instruments."""

import numpy as np
import pytest
import scipy.optimize

from tests.reference.published import (
    Body,
    World,
    at_least,
    covariance_of,
    maximize,
    minimize,
    model,
    names,
    optimum,
    random_covariance,
    run,
    weights,
)
from tests.tolerances import SOLVED, WEIGHTS

RETURN: Body = {"kind": "expected_return"}
VARIANCE: Body = {"kind": "variance"}

# Bailey and Lopez de Prado, An open-source implementation of the critical-line algorithm for portfolio
# optimization, Algorithms 6 (2013): the ten instruments of Markowitz and Todd, chapter 13.
TEN_RETURNS = np.array([1.175, 1.19, 0.396, 1.12, 0.346, 0.679, 0.089, 0.73, 0.481, 1.08])
TEN_LOWER = """
0.40755159
0.03175842 0.9063047
0.05183923 0.03136385 0.19490901
0.05663904 0.02687256 0.04408485 0.19528471
0.0330226 0.01917172 0.03006772 0.02777345 0.34059105
0.00827775 0.00934384 0.01322738 0.00526665 0.00777055 0.15983874
0.02165938 0.02495043 0.03525971 0.01375808 0.02067844 0.02105575 0.68056711
0.01332419 0.00761036 0.0115493 0.00780878 0.00736409 0.00518686 0.01377882 0.95526918
0.0343476 0.02874874 0.0427563 0.02914176 0.02542657 0.01723737 0.04627027 0.0106553 0.31681584
0.02249903 0.01336866 0.02057303 0.01640377 0.01284075 0.00723779 0.01926088 0.00760955 0.01854318 0.11079287
"""
# Table 2: return, risk and lambda of the turning points.
TURNING = [
    (1.190, 0.952, 58.303),
    (1.180, 0.546, 4.174),
    (1.160, 0.417, 1.946),
    (1.111, 0.267, 0.165),
    (1.108, 0.265, 0.147),
    (1.022, 0.230, 0.056),
    (1.015, 0.228, 0.052),
    (0.973, 0.220, 0.037),
    (0.950, 0.216, 0.031),
    (0.803, 0.205, 0.000),
]
# Table 2: weights of the least variable portfolio.
LEAST = [0.0370, 0.0269, 0.0949, 0.1258, 0.0767, 0.2194, 0.0300, 0.0360, 0.0613, 0.2920]
PRINTED = 0.0005


def lower_triangle(text: str) -> np.ndarray:
    rows = [[float(one) for one in line.split()] for line in text.split("\n") if line]
    square = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        square[i, : i + 1] = row
    return square + np.tril(square, -1).T


TEN_COVARIANCE = lower_triangle(TEN_LOWER)
TEN = World(ids=names(10), model=model(covariance=TEN_COVARIANCE, expected_returns=TEN_RETURNS))


@pytest.mark.parametrize(("mean", "risk", "multiplier"), TURNING[1:], ids=lambda x: f"{x}")
def test_turning_points_are_those_of_the_critical_line(mean: float, risk: float, multiplier: float) -> None:
    """At a turning point the trade-off, lambda of w'Sw / 2 - lambda mu'w, leads to its return and risk."""
    result = run(minimize((1.0, VARIANCE), (-2 * multiplier, RETURN)) if multiplier else least(), TEN)

    assert result.measures.optimal["expected_return"] == pytest.approx(mean, abs=0.01)
    assert result.measures.optimal["volatility"] == pytest.approx(risk, abs=0.004)


@pytest.mark.parametrize(("mean", "risk", "multiplier"), TURNING[:-1], ids=lambda x: f"{x}")
def test_least_risk_for_a_return_is_the_frontiers(mean: float, risk: float, multiplier: float) -> None:
    """The same points with the return as a floor."""
    result = run(minimize((1.0, VARIANCE), constraints=[at_least(RETURN, mean)]), TEN)

    assert result.status == "optimal"
    assert result.measures.optimal["volatility"] == pytest.approx(risk, abs=0.004)


def least(**fields: object) -> Body:
    return minimize((1.0, VARIANCE), **fields)


def test_the_least_variable_of_the_ten_is_the_papers() -> None:
    assert optimum(least(), TEN) == pytest.approx(LEAST, abs=PRINTED)


def test_the_price_of_a_return_floor_between_turning_points_is_twice_lambda() -> None:
    """Weights are linear in the return between two turning points, and lambda with them."""
    tight = run(least(constraints=[at_least(RETURN, 0.9)]), TEN)

    held = weights(tight, TEN)
    assert (held > 1e-6).all()
    rows = np.vstack([TEN_RETURNS, np.ones(10)])
    system = np.block([[TEN_COVARIANCE, -rows.T], [rows, np.zeros((2, 2))]])
    solution = np.linalg.solve(system, np.concatenate([np.zeros(10), [0.9, 1.0]]))
    assert held == pytest.approx(solution[:10], abs=WEIGHTS)
    prices = {one.limit: one.shadow_price for one in tight.binding}
    assert prices["expected_return is at least 0.9"] == pytest.approx(-2 * solution[10], rel=1e-4)


def test_the_largest_sharpe_ratio_of_the_ten_is_the_papers() -> None:
    """Section 8 of the paper: 4.4535, at a risk of 0.2274."""
    result = run(maximize((1.0, {"kind": "sharpe_ratio"})), TEN)

    assert result.objective_value == pytest.approx(4.4535, abs=PRINTED)
    assert result.measures.optimal["volatility"] == pytest.approx(0.2274, abs=PRINTED)


def test_three_instruments_of_the_textbook_hold_less_of_what_moves_most() -> None:
    """Uncorrelated instruments are held in proportion to the inverse of their variances."""
    variances = np.array([0.04, 0.09, 0.16])
    world = World(ids=names(3), model=model(covariance=np.diag(variances)))

    assert optimum(least(), world) == pytest.approx((1 / variances) / (1 / variances).sum(), abs=WEIGHTS)


@pytest.mark.parametrize("correlation", [-0.9, -0.3, 0.0, 0.4])
def test_two_instruments_have_the_least_variance_of_the_textbook(correlation: float) -> None:
    """w1 = (s2^2 - r s1 s2) / (s1^2 + s2^2 - 2 r s1 s2), Markowitz, Portfolio Selection (1959), ch. 4."""
    first, second = 0.15, 0.25
    cross = correlation * first * second
    expected = (second**2 - cross) / (first**2 + second**2 - 2 * cross)
    world = World(ids=names(2), model=model(covariance=covariance_of([first, second], correlation)))

    assert optimum(least(), world) == pytest.approx([expected, 1 - expected], abs=WEIGHTS)


@pytest.mark.parametrize("shorting", [False, True])
def test_a_correlation_above_the_ratio_of_volatilities_asks_for_a_short_position(shorting: bool) -> None:  # noqa: FBT001
    """r = 0.8 > 0.15 / 0.25: the closed form leaves [0, 1]; without shorting everything is in the calmer one."""
    cross = 0.8 * 0.15 * 0.25
    free = (0.25**2 - cross) / (0.15**2 + 0.25**2 - 2 * cross)
    world = World(ids=names(2), model=model(covariance=covariance_of([0.15, 0.25], 0.8)))

    expected = free if shorting else 1.0

    assert free > 1
    assert optimum(least(shorting=shorting), world) == pytest.approx([expected, 1 - expected], abs=WEIGHTS)


def test_perfectly_opposed_instruments_have_no_risk_together() -> None:
    world = World(ids=names(2), model=model(covariance=covariance_of([0.1, 0.3], -1.0)))

    result = run(least(), world)

    assert weights(result, world) == pytest.approx([0.75, 0.25], abs=WEIGHTS)
    assert result.objective_value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("count", [3, 12, 40])
def test_frontier_with_shorting_is_mertons_parabola(count: int) -> None:
    """variance = (A r^2 - 2 B r + C) / D with A = 1'S^-1 1, B = 1'S^-1 m, C = m'S^-1 m, D = AC - B^2 (Merton 1972)."""
    mean, covariance = market(count)
    inverse, ones = np.linalg.inv(covariance), np.ones(count)
    a, b, c = ones @ inverse @ ones, ones @ inverse @ mean, mean @ inverse @ mean
    d = a * c - b * b
    world = World(ids=names(count), model=model(covariance=covariance, expected_returns=mean))
    for target in b / a + np.array([0.0005, 0.002]):
        result = run(least(shorting=True, constraints=[at_least(RETURN, target)]), world)

        expected = inverse @ (mean * (a * target - b) + ones * (c - b * target)) / d
        assert result.objective_value == pytest.approx((a * target**2 - 2 * b * target + c) / d, rel=SOLVED)
        assert weights(result, world) == pytest.approx(expected, abs=WEIGHTS)


def market(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Expected returns and covariance of daily size."""
    covariance = random_covariance(count, count)
    mean = np.random.default_rng(count).normal(5e-4, 4e-4, count)
    return mean, covariance


@pytest.mark.parametrize("count", [2, 7, 30])
def test_utility_with_shorting_is_its_first_order_condition(count: int) -> None:
    """max m'w - g w'Sw with 1'w = 1: w = S^-1 (m - v 1) / 2g, v = (B - 2g) / A; no factor of one half."""
    mean, covariance = market(count)
    inverse, ones, aversion = np.linalg.inv(covariance), np.ones(count), 3.0
    price = (ones @ inverse @ mean - 2 * aversion) / (ones @ inverse @ ones)
    expected = inverse @ (mean - price * ones) / (2 * aversion)
    world = World(ids=names(count), model=model(covariance=covariance, expected_returns=mean))

    result = run(maximize((1.0, RETURN), (-aversion, VARIANCE), shorting=True), world)

    assert weights(result, world) == pytest.approx(expected, abs=WEIGHTS * max(1.0, np.abs(expected).max()))
    assert result.objective_value == pytest.approx(mean @ expected - aversion * expected @ covariance @ expected)


def test_utility_of_cash_and_one_instrument_is_mertons_share() -> None:
    """With cash free, max m w - g s^2 w^2 holds m / 2 g s^2 (Merton, Review of Economics and Statistics 51, 1969)."""
    world = World(ids=("A",), model=model(covariance=[[0.04]], expected_returns=[0.06]))
    strategy = maximize((1.0, RETURN), (-2.5, VARIANCE), constraints=[{"kind": "cash", "lower_fraction": 0.0}])

    assert optimum(strategy, world) == pytest.approx([0.06 / (2 * 2.5 * 0.04)], abs=WEIGHTS)


@pytest.mark.parametrize("count", [2, 8, 25])
def test_tangency_with_shorting_is_the_inverse_covariance_of_excess_returns(count: int) -> None:
    """w = S^-1 (m - f) / 1'S^-1 (m - f), ratio sqrt((m - f)'S^-1 (m - f)) where that sum is positive (Tobin 1958)."""
    mean, covariance = market(count)
    least = np.linalg.solve(covariance, np.ones(count))
    free = mean @ least / least.sum() - 4e-4
    direction = np.linalg.solve(covariance, mean - free)
    world = World(ids=names(count), model=model(covariance=covariance, expected_returns=mean))

    result = run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": free}), shorting=True), world)

    assert result.objective_value == pytest.approx(np.sqrt((mean - free) @ direction), rel=SOLVED)
    expected = direction / direction.sum()
    assert weights(result, world) == pytest.approx(expected, abs=WEIGHTS * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_long_only_tangency_is_the_normalized_nonnegative_least_squares(seed: int) -> None:
    """KKT of max (m - f)'x - x'Sx / 2 over x >= 0, scaled to 1: with S = R'R that is NNLS of R^-T (m - f) on R."""
    covariance = random_covariance(9, seed)
    mean = np.random.default_rng(seed).normal(4e-4, 6e-4, 9)
    root = np.linalg.cholesky(covariance).T
    direction, _ = scipy.optimize.nnls(root, np.linalg.solve(root.T, mean - 5e-5))
    expected = direction / direction.sum()
    world = World(ids=names(9), model=model(covariance=covariance, expected_returns=mean))

    result = run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": 5e-5})), world)

    ratio = (mean - 5e-5) @ expected / np.sqrt(expected @ covariance @ expected)
    assert 0 < (expected > 0).sum() < 9
    assert result.objective_value == pytest.approx(ratio, rel=SOLVED)
    assert weights(result, world) == pytest.approx(expected, abs=1e-3)


def test_long_only_tangency_is_found_in_every_one_of_forty_markets() -> None:
    """The same, over many markets of daily returns: none of them is unbounded, and none is left half proven."""
    lost = []
    for seed in range(40):
        covariance = random_covariance(4, seed)
        mean = np.abs(np.random.default_rng(seed).normal(3e-4, 5e-4, 4))
        root = np.linalg.cholesky(covariance).T
        direction, _ = scipy.optimize.nnls(root, np.linalg.solve(root.T, mean))
        world = World(ids=names(4), model=model(covariance=covariance, expected_returns=mean))
        result = run(maximize((1.0, {"kind": "sharpe_ratio"})), world)
        ratio = mean @ direction / np.sqrt(direction @ covariance @ direction)
        if result.status != "optimal" or result.objective_value != pytest.approx(ratio, rel=SOLVED):
            lost.append((seed, result.status, result.proven_gap))

    assert lost == []


def test_two_instruments_have_the_tangency_of_the_textbook() -> None:
    """w1 = (e1 s2^2 - e2 c) / (e1 s2^2 + e2 s1^2 - (e1 + e2) c), Bodie, Kane and Marcus, Investments, ch. 7: 40 %.

    Their bond and stock funds: 8 and 13 % expected, 12 and 20 % volatility, correlation 0.3, bills at 5 %.
    """
    covariance = covariance_of([0.12, 0.20], 0.3)
    world = World(ids=names(2), model=model(covariance=covariance, expected_returns=[0.08, 0.13]))

    result = run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": 0.05})), world)

    assert weights(result, world) == pytest.approx([0.40, 0.60], abs=WEIGHTS)
    assert result.measures.optimal["expected_return"] == pytest.approx(0.11, abs=1e-5)
    assert result.measures.optimal["volatility"] == pytest.approx(0.142, abs=5e-4)
    assert result.objective_value == pytest.approx(0.42, abs=5e-3)


@pytest.mark.parametrize("one", ["variance", "volatility"])
def test_the_least_of_a_risk_with_unlimited_shorting_is_called_optimal(one: str) -> None:
    """A convex problem with one optimum: nothing but a proof is missing where it is called feasible."""
    mean, covariance = market(8)
    world = World(ids=names(8), model=model(covariance=covariance, expected_returns=mean))

    assert run(minimize((1.0, {"kind": one}), shorting=True), world).status == "optimal"


def test_the_tangency_with_unlimited_shorting_is_called_optimal() -> None:
    mean, covariance = market(8)
    least = np.linalg.solve(covariance, np.ones(8))
    free = mean @ least / least.sum() - 4e-4
    world = World(ids=names(8), model=model(covariance=covariance, expected_returns=mean))

    assert run(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": free}), shorting=True), world).status == "optimal"
