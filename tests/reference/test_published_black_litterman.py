"""Equilibrium and Black-Litterman from a strategy's forecast to its weights, against the paper's tables."""

import numpy as np
import pytest

from tests.reference.published import (
    Body,
    World,
    cash,
    covariance_of,
    maximize,
    minimize,
    model,
    optimum,
    refusal,
    run,
    weights,
)
from tests.tolerances import EXACT, SOLVED, WEIGHTS

# He and Litterman, The intuition behind Black-Litterman model portfolios (1999), tables 1, 2, 4 and 5.
COUNTRIES = ("AU", "CA", "FR", "DE", "JP", "UK", "US")
CORRELATIONS = np.array(
    [
        [1.000, 0.488, 0.478, 0.515, 0.439, 0.512, 0.491],
        [0.488, 1.000, 0.664, 0.655, 0.310, 0.608, 0.779],
        [0.478, 0.664, 1.000, 0.861, 0.355, 0.783, 0.668],
        [0.515, 0.655, 0.861, 1.000, 0.354, 0.777, 0.653],
        [0.439, 0.310, 0.355, 0.354, 1.000, 0.405, 0.306],
        [0.512, 0.608, 0.783, 0.777, 0.405, 1.000, 0.652],
        [0.491, 0.779, 0.668, 0.653, 0.306, 0.652, 1.000],
    ]
)
VOLATILITIES = np.array([0.160, 0.203, 0.248, 0.271, 0.210, 0.200, 0.187])
WORLD = covariance_of(VOLATILITIES, CORRELATIONS)
CAPS = np.array([0.016, 0.022, 0.052, 0.055, 0.116, 0.124, 0.615])
MARKET: Body = dict(zip(COUNTRIES, CAPS.tolist(), strict=True))
SEVEN = World(ids=COUNTRIES, model=model(covariance=WORLD))
AVERSION, TAU = 2.5, 0.05
PRINTED = 0.0006
"""The paper prints percentages with one digit, computed from inputs with more digits than it prints."""

GERMANY: Body = {"weights": {"DE": 1.0, "FR": -0.052 / 0.176, "UK": -0.124 / 0.176}, "expected_return": 0.05}
CANADA: Body = {"weights": {"CA": 1.0, "US": -1.0}, "expected_return": 0.03}
FREE_CASH: Body = {"kind": "cash"}
"""A band without bounds: borrowing and lending, as in the paper's unconstrained portfolios."""


def opinion(*views: Body, **fields: object) -> Body:
    prior = {"prior_weights": MARKET, "risk_aversion": AVERSION, "tau": TAU}
    return {"kind": "black_litterman", "views": list(views), **prior, **fields}


def utility(forecast: Body, **fields: object) -> Body:
    """Maximize expected return less half the risk aversion times variance, without any bounds."""
    terms = ((1.0, {"kind": "expected_return"}), (-AVERSION / 2, {"kind": "variance"}))
    return maximize(*terms, **({"forecast": forecast, "shorting": True, "constraints": [FREE_CASH]} | fields))


@pytest.mark.parametrize("kind", ["equilibrium", "black_litterman"])
def test_the_market_is_held_at_equilibrium(kind: str) -> None:
    """With the returns that make it so, nothing beats the market; no views are the prior (point 17)."""
    field = "weights" if kind == "equilibrium" else "prior_weights"
    forecast = {"kind": kind, field: MARKET, "risk_aversion": AVERSION}
    fields = {} if kind == "equilibrium" else {"covariance": "prior"}

    held = optimum(utility(forecast | fields), SEVEN)

    assert held == pytest.approx(CAPS, abs=WEIGHTS)


def test_the_market_is_held_at_equilibrium_long_only_and_fully_invested_too() -> None:
    forecast = {"kind": "equilibrium", "weights": MARKET, "risk_aversion": AVERSION}

    held = optimum(utility(forecast, shorting=False, constraints=[]), SEVEN)

    assert held == pytest.approx(CAPS, abs=WEIGHTS)


def test_the_benchmark_is_the_prior_where_none_is_named() -> None:
    forecast = {"kind": "black_litterman", "risk_aversion": AVERSION, "covariance": "prior"}

    held = optimum(utility(forecast, benchmark=MARKET), SEVEN)

    assert held == pytest.approx(CAPS, abs=WEIGHTS)


def test_equilibrium_returns_are_table_twos_and_are_shown() -> None:
    returns = [
        run(hold(key, {"kind": "equilibrium", "weights": MARKET}), SEVEN).measures.optimal["expected_return"]
        for key in COUNTRIES
    ]

    assert returns == pytest.approx([0.039, 0.069, 0.084, 0.090, 0.043, 0.068, 0.076], abs=PRINTED)


def hold(key: str, forecast: Body) -> Body:
    """Everything in one country: its figures are those of the portfolio."""
    exact = [{"kind": "hold_exactly", "weights": {key: 1.0}}]
    return minimize((1.0, {"kind": "variance"}), forecast=forecast, constraints=exact)


def test_a_view_on_germany_leads_to_table_fours_portfolio() -> None:
    """Weights less the market's over 1 + tau are the view's portfolio times one number, 0 elsewhere."""
    held = optimum(utility(opinion(GERMANY)), SEVEN)

    assert held == pytest.approx([0.015, 0.021, -0.040, 0.354, 0.110, -0.095, 0.586], abs=PRINTED)
    tilt = held - CAPS / (1 + TAU)
    assert tilt == pytest.approx([0, 0, -0.089, 0.302, 0, -0.213, 0], abs=PRINTED)
    view = np.array([GERMANY["weights"].get(key, 0.0) for key in COUNTRIES])
    assert tilt == pytest.approx(tilt[3] * view, abs=1e-5)


def test_two_views_tilt_within_their_instruments_only() -> None:
    """Table 5: with Canada over the United States as well, (market + views x (0.298, 0.418)) / (1 + tau)."""
    held = optimum(utility(opinion(GERMANY, CANADA)), SEVEN)

    tilt = held - CAPS / (1 + TAU)
    rows = np.array([[view["weights"].get(key, 0.0) for key in COUNTRIES] for view in (GERMANY, CANADA)])
    sizes, *_ = np.linalg.lstsq(rows.T, tilt, rcond=None)
    assert tilt == pytest.approx(rows.T @ sizes, abs=1e-5)
    assert (1 + TAU) * sizes == pytest.approx([0.298, 0.418], abs=0.001)
    assert held == pytest.approx([0.015, 0.419, -0.034, 0.336, 0.110, -0.082, 0.188], abs=0.0015)


def test_a_view_that_equilibrium_holds_already_changes_nothing_but_the_uncertainty() -> None:
    """The tilt vanishes if the view's return is what the prior expects, taken over 1 + tau (their property 3)."""
    view = np.array([GERMANY["weights"].get(key, 0.0) for key in COUNTRIES])
    implied = float(view @ (AVERSION * WORLD @ CAPS))

    held = optimum(utility(opinion(GERMANY | {"expected_return": implied}, covariance="prior")), SEVEN)

    assert held == pytest.approx(CAPS, abs=WEIGHTS)


@pytest.mark.parametrize("covariance", ["posterior", "prior"])
def test_any_views_give_the_portfolio_of_bayes_rule(covariance: str) -> None:
    """Precision-weighted means, written with inverses: w = (S + M)^-1 m / aversion, M the precision's inverse."""
    views = [CANADA | {"variance": 3e-4}, {"weights": {"JP": 1.0}, "expected_return": 0.07, "variance": 9e-4}]
    rows = np.array([[view["weights"].get(key, 0.0) for key in COUNTRIES] for view in views])
    errors = np.diag([3e-4, 9e-4])
    uncertain = np.linalg.inv(np.linalg.inv(TAU * WORLD) + rows.T @ np.linalg.inv(errors) @ rows)
    mean = uncertain @ (
        np.linalg.inv(TAU * WORLD) @ (AVERSION * WORLD @ CAPS) + rows.T @ np.linalg.inv(errors) @ [0.03, 0.07]
    )
    risk = WORLD + uncertain if covariance == "posterior" else WORLD

    result = run(utility(opinion(*views, covariance=covariance)), SEVEN)

    expected = np.linalg.solve(risk, mean) / AVERSION
    assert weights(result, SEVEN) == pytest.approx(expected, abs=WEIGHTS)
    assert result.measures.optimal["expected_return"] == pytest.approx(mean @ weights(result, SEVEN), rel=SOLVED)
    found = weights(result, SEVEN)
    assert result.measures.optimal["variance"] == pytest.approx(found @ risk @ found, rel=SOLVED)


def test_a_bullish_view_raises_a_long_only_portfolios_weight() -> None:
    base = optimum(utility(opinion(covariance="prior"), shorting=False, constraints=[]), SEVEN)

    held = optimum(utility(opinion(CANADA, covariance="prior"), shorting=False, constraints=[]), SEVEN)

    assert held[1] > base[1] + 0.05
    assert held[6] < base[6] - 0.05
    assert held.sum() == pytest.approx(1.0, abs=EXACT)


def test_an_opinion_needs_a_risk_model_and_a_prior() -> None:
    bare = World(ids=COUNTRIES, portfolio=cash(1e6))
    without = {"kind": "black_litterman", "views": [CANADA]}

    assert refusal(maximize((1.0, {"kind": "expected_return"}), forecast=opinion(CANADA)), bare) != []
    found = refusal(maximize((1.0, {"kind": "expected_return"}), forecast=without), SEVEN)
    assert [one.pointer.removeprefix("/strategy") for one in found] == ["/forecast/prior_weights"]
