"""PyPortfolioOpt as an oracle: the same questions, compared by the objective that either reaches."""

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # the peer's own

from tests.reference.published import Body, World, at_least, at_most, maximize, minimize, model, names, optimum  # noqa: E402

RANDOM = np.random.default_rng(42)
COUNT = 8
RETURNS = RANDOM.multivariate_normal(RANDOM.uniform(0.0002, 0.001, COUNT), 1e-4 * (np.eye(COUNT) + 0.4), 400)
MEAN, COVARIANCE = 252 * RETURNS.mean(axis=0), 252 * np.cov(RETURNS, rowvar=False)
MOMENTS = World(ids=names(COUNT), model=model(covariance=COVARIANCE, expected_returns=MEAN))
ROWS = World(ids=names(COUNT), model=model(scenarios=RETURNS))
AGREED = 1e-6
"""Relative distance of objectives: the peer's solvers run at their defaults."""


@pytest.fixture
def peer() -> Any:
    import pypfopt  # noqa: PLC0415 - loaded only where it is compared with

    return pypfopt


def shares(found: Any) -> np.ndarray:
    return np.array([found[i] for i in range(COUNT)])


def volatility(weights: np.ndarray) -> float:
    return float(np.sqrt(weights @ COVARIANCE @ weights))


def capped(**fields: Any) -> Body:
    return {"constraints": [{"kind": "weight_bounds", "lower": 0.02, "upper": 0.3}], **fields}


def test_minimum_volatility_inside_bounds(peer: Any) -> None:
    theirs = shares(peer.EfficientFrontier(MEAN, COVARIANCE, weight_bounds=(0.02, 0.3)).min_volatility())

    ours = optimum(minimize((1.0, {"kind": "volatility"}), **capped()), MOMENTS)

    assert volatility(ours) == pytest.approx(volatility(theirs), rel=AGREED)


def test_maximum_sharpe_ratio(peer: Any) -> None:
    theirs = shares(peer.EfficientFrontier(MEAN, COVARIANCE).max_sharpe(risk_free_rate=0.02))

    ours = optimum(maximize((1.0, {"kind": "sharpe_ratio", "risk_free": 0.02})), MOMENTS)

    reached = [(weights @ MEAN - 0.02) / volatility(weights) for weights in (ours, theirs)]
    assert reached[0] == pytest.approx(reached[1], rel=AGREED)


def test_largest_return_under_a_volatility_cap(peer: Any) -> None:
    theirs = shares(peer.EfficientFrontier(MEAN, COVARIANCE).efficient_risk(0.15))

    ours = optimum(
        maximize((1.0, {"kind": "expected_return"}), constraints=[at_most({"kind": "volatility"}, 0.15)]), MOMENTS
    )

    assert ours @ MEAN == pytest.approx(theirs @ MEAN, rel=1e-5)


def test_least_volatility_above_a_return(peer: Any) -> None:
    target = float(np.quantile(MEAN, 0.7))
    theirs = shares(peer.EfficientFrontier(MEAN, COVARIANCE).efficient_return(target))

    ours = optimum(
        minimize((1.0, {"kind": "volatility"}), constraints=[at_least({"kind": "expected_return"}, target)]), MOMENTS
    )

    assert volatility(ours) == pytest.approx(volatility(theirs), rel=1e-5)


def test_quadratic_utility(peer: Any) -> None:
    """The peer maximizes mu'w - delta / 2 w'Sw."""
    theirs = shares(peer.EfficientFrontier(MEAN, COVARIANCE).max_quadratic_utility(risk_aversion=3.0))

    ours = optimum(maximize((1.0, {"kind": "expected_return"}), (-1.5, {"kind": "variance"})), MOMENTS)

    reached = [weights @ MEAN - 1.5 * weights @ COVARIANCE @ weights for weights in (ours, theirs)]
    assert reached[0] == pytest.approx(reached[1], rel=AGREED)


def test_market_neutral_utility(peer: Any) -> None:
    frontier = peer.EfficientFrontier(MEAN, COVARIANCE, weight_bounds=(-0.5, 0.5))
    theirs = shares(frontier.max_quadratic_utility(risk_aversion=2.0, market_neutral=True))

    ours = optimum(
        maximize(
            (1.0, {"kind": "expected_return"}),
            (-1.0, {"kind": "variance"}),
            shorting=True,
            constraints=[{"kind": "market_neutral"}, {"kind": "weight_bounds", "lower": -0.5, "upper": 0.5}],
        ),
        MOMENTS,
    )

    reached = [weights @ MEAN - weights @ COVARIANCE @ weights for weights in (ours, theirs)]
    assert reached[0] == pytest.approx(reached[1], rel=AGREED)


@pytest.mark.parametrize(
    ("name", "kind", "attribute"),
    [
        ("EfficientCVaR", {"kind": "cvar", "level": 0.9}, "min_cvar"),
        ("EfficientCDaR", {"kind": "cdar", "level": 0.9}, "min_cdar"),
    ],
    ids=["cvar", "cdar"],
)
def test_least_tail_of_losses_and_drawdowns(peer: Any, name: str, kind: Body, attribute: str) -> None:
    theirs = shares(getattr(getattr(peer, name)(MEAN, RETURNS, beta=0.9), attribute)())

    ours = optimum(minimize((1.0, kind)), ROWS)

    losses = [-(RETURNS @ weights) if name == "EfficientCVaR" else drawdowns(weights) for weights in (ours, theirs)]
    reached = [np.sort(one)[-40:].mean() for one in losses]  # 10 % of 400 rows, none in part
    assert reached[0] == pytest.approx(reached[1], rel=1e-5)


def drawdowns(weights: np.ndarray) -> np.ndarray:
    path = np.concatenate([[0.0], np.cumsum(RETURNS @ weights)])
    return (np.maximum.accumulate(path) - path)[1:]


def test_least_semivariance(peer: Any) -> None:
    """The peer's semivariance is about a benchmark return per row, with divisor T."""
    theirs = shares(peer.EfficientSemivariance(MEAN, RETURNS, frequency=1, benchmark=0.0).min_semivariance())

    ours = optimum(minimize((1.0, {"kind": "downside_deviation"})), ROWS)

    reached = [np.square(np.minimum(RETURNS @ weights, 0.0)).mean() for weights in (ours, theirs)]
    assert reached[0] == pytest.approx(reached[1], rel=1e-5)


def test_black_litterman_returns_and_covariance(peer: Any) -> None:
    """The peer's prior, views and uncertainty written out; either posterior covariance adds the estimate's."""
    prior = np.full(COUNT, 1.0 / COUNT)
    pick = np.zeros((1, COUNT))
    pick[0, :2] = (1.0, -1.0)
    theirs = peer.BlackLittermanModel(
        COVARIANCE, pi=2.5 * COVARIANCE @ prior, P=pick, Q=np.array([[0.05]]), omega=np.array([[0.001]]), tau=0.05
    )
    world = MOMENTS.having(model=model(covariance=COVARIANCE))
    forecast = {
        "kind": "black_litterman",
        "prior_weights": dict.fromkeys(names(COUNT), 1.0 / COUNT),
        "views": [{"weights": {"A00": 1.0, "A01": -1.0}, "expected_return": 0.05, "variance": 0.001}],
    }

    ours = optimum(
        maximize((1.0, {"kind": "expected_return"}), (-1.25, {"kind": "variance"}), shorting=True, forecast=forecast),
        world,
    )

    mean, covariance = np.asarray(theirs.bl_returns()), np.asarray(theirs.bl_cov())
    inverse, ones = np.linalg.inv(covariance), np.ones(COUNT)
    free = inverse @ mean / 2.5
    expected = free + inverse @ ones * (1.0 - free.sum()) / (ones @ inverse @ ones)
    assert ours == pytest.approx(expected, abs=2e-6)
