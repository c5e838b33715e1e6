"""Equilibrium and Black-Litterman against the paper's tables, Bayes' rule and closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from assetmix.domain.given_model import GivenModel
from assetmix.domain.universe import Universe
from assetmix.estimation.estimate import Estimates, Wanted, estimate
from assetmix.estimation.specs import BlackLitterman, Equilibrium, SampleRisk, View
from tests.makers import INDEX, make_snapshot, stock_ids
from tests.tolerances import EXACT

# He and Litterman, The intuition behind Black-Litterman model portfolios (1999), tables 1 and 2.
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
MARKET = dict(zip(COUNTRIES, [0.016, 0.022, 0.052, 0.055, 0.116, 0.124, 0.615], strict=True))
WORLD = CORRELATIONS * np.outer(VOLATILITIES, VOLATILITIES)
PRINTED = 0.0005
"""The paper prints percentages with one digit."""

GERMANY = View(weights={"DE": 1.0, "FR": -0.052 / 0.176, "UK": -0.124 / 0.176}, expected_return=0.05)
CANADA = View(weights={"CA": 1.0, "US": -1.0}, expected_return=0.03)

SNAPSHOT = make_snapshot(count=5, seed=4)
IDS = stock_ids(SNAPSHOT)


def world(spec: BlackLitterman | Equilibrium, covariance: np.ndarray = WORLD) -> Estimates:
    model = GivenModel(universe=Universe(COUNTRIES), covariance=covariance)
    return estimate(SNAPSHOT, COUNTRIES, (), Wanted(None, spec, model, MARKET))


def test_equilibrium_returns_of_seven_countries_are_table_twos() -> None:
    found = world(Equilibrium(risk_aversion=2.5)).forecast.expected_returns

    assert found == pytest.approx([0.039, 0.069, 0.084, 0.090, 0.043, 0.068, 0.076], abs=PRINTED)


def test_a_view_on_germany_gives_table_fours_returns_and_portfolio() -> None:
    """Table 4: returns, optimal portfolio, and its deviation from the market over 1 + tau."""
    found = world(BlackLitterman(views=(GERMANY,)))

    mean = found.forecast.expected_returns
    weights = np.linalg.solve(found.risk.covariance, mean) / 2.5
    deviation = weights - np.array(list(MARKET.values())) / 1.05
    assert mean == pytest.approx([0.043, 0.076, 0.093, 0.110, 0.045, 0.070, 0.081], abs=PRINTED)
    assert weights == pytest.approx([0.015, 0.021, -0.040, 0.354, 0.110, -0.095, 0.586], abs=PRINTED)
    assert deviation == pytest.approx([0, 0, -0.089, 0.302, 0, -0.213, 0], abs=PRINTED)


def test_deviations_from_the_market_are_combinations_of_the_views() -> None:
    """The paper's property: w = market / (1 + tau) + P' lambda, whatever the views say."""
    found = world(BlackLitterman(views=(GERMANY, CANADA)))

    weights = np.linalg.solve(found.risk.covariance, found.forecast.expected_returns) / 2.5
    deviation = weights - np.array(list(MARKET.values())) / 1.05
    picks = np.array([Universe(COUNTRIES).vector(view.weights) for view in (GERMANY, CANADA)])
    rest = deviation - picks.T @ np.linalg.lstsq(picks.T, deviation, rcond=None)[0]
    assert np.abs(rest).max() < EXACT
    assert np.abs(deviation).max() > 0.1


def test_posterior_is_bayes_rule_for_normal_variables() -> None:
    """Precisions add: an independent formulation with inverses, figures and variances of many sizes."""
    random = np.random.default_rng(5)
    picks, errors = random.normal(size=(4, 7)), 10.0 ** random.uniform(-6, 0, 4)
    returns = random.normal(size=4)
    views = tuple(
        View(weights=dict(zip(COUNTRIES, row, strict=True)), expected_return=value, variance=error)
        for row, value, error in zip(picks.tolist(), returns.tolist(), errors.tolist(), strict=True)
    )

    found = world(BlackLitterman(views=views, tau=0.3, risk_aversion=3.0))

    prior = 3.0 * WORLD @ np.array(list(MARKET.values()))
    precision = np.linalg.inv(0.3 * WORLD) + picks.T / errors @ picks
    mean = np.linalg.solve(precision, np.linalg.solve(0.3 * WORLD, prior) + picks.T / errors @ returns)
    assert found.forecast.expected_returns == pytest.approx(mean, rel=1e-8)
    assert found.risk.covariance == pytest.approx(WORLD + np.linalg.inv(precision), rel=1e-8)


def test_no_views_give_the_prior_and_its_uncertainty() -> None:
    found = world(BlackLitterman(tau=0.05))

    assert found.forecast.expected_returns == pytest.approx(2.5 * WORLD @ list(MARKET.values()), rel=EXACT)
    assert found.risk.covariance == pytest.approx(1.05 * WORLD, rel=EXACT)


def test_an_all_but_certain_view_comes_true() -> None:
    view = replace(CANADA, variance=1e-20)

    mean = world(BlackLitterman(views=(view,))).forecast.expected_returns

    assert mean[1] - mean[6] == pytest.approx(0.03, rel=EXACT)


def test_a_view_repeated_for_certain_counts_once() -> None:
    view = replace(CANADA, variance=1e-25)

    once = world(BlackLitterman(views=(view,)))
    twice = world(BlackLitterman(views=(view, view)))

    assert twice.forecast.expected_returns == pytest.approx(once.forecast.expected_returns, rel=1e-7)
    assert twice.risk.covariance == pytest.approx(once.risk.covariance, rel=1e-7)


def test_a_view_without_a_variance_has_tau_times_its_portfolios() -> None:
    picks = np.array([0.0, 1, 0, 0, 0, 0, -1])
    stated = replace(CANADA, variance=0.05 * picks @ WORLD @ picks)

    silent, loud = world(BlackLitterman(views=(CANADA,))), world(BlackLitterman(views=(stated,)))

    assert silent.forecast.expected_returns == pytest.approx(loud.forecast.expected_returns, rel=EXACT)


def test_with_the_prior_covariance_the_risk_model_is_left_alone() -> None:
    posterior = world(BlackLitterman(views=(GERMANY,)))
    prior = world(BlackLitterman(views=(GERMANY,), covariance="prior"))

    assert prior.risk.covariance == pytest.approx(WORLD, rel=EXACT)
    assert prior.forecast.expected_returns == pytest.approx(posterior.forecast.expected_returns, rel=EXACT)


def test_a_factor_model_is_revised_like_its_covariance() -> None:
    random = np.random.default_rng(6)
    exposures, specific = random.normal(size=(7, 2)), random.uniform(0.01, 0.04, 7)
    factors = np.array([[0.04, 0.01], [0.01, 0.02]])
    model = GivenModel(
        universe=Universe(COUNTRIES), exposures=exposures, factor_covariance=factors, specific_variance=specific
    )
    spec = BlackLitterman(views=(GERMANY, CANADA))

    found = estimate(SNAPSHOT, COUNTRIES, (), Wanted(None, spec, model, MARKET))

    expected = world(spec, exposures @ factors @ exposures.T + np.diag(specific))
    assert found.forecast.expected_returns == pytest.approx(expected.forecast.expected_returns, rel=EXACT)
    assert found.risk.covariance == pytest.approx(expected.risk.covariance, rel=EXACT)
    assert found.risk.root.shape == (7, 7)


def test_a_singular_covariance_is_no_trouble() -> None:
    """Germany twice: both copies have one return, and the view moves them alike."""
    twice = WORLD[[0, 1, 2, 3, 4, 5, 3]][:, [0, 1, 2, 3, 4, 5, 3]]

    found = world(BlackLitterman(views=(GERMANY,)), twice)

    assert found.forecast.expected_returns[6] == pytest.approx(found.forecast.expected_returns[3], rel=EXACT)
    assert len(found.risk.root) == 6


def test_an_index_outside_the_universe_can_be_the_prior_and_the_subject_of_a_view() -> None:
    """The prior is 2.5 x the covariance with the index; scenarios and their number stay."""
    wanted = Wanted(SampleRisk(), Equilibrium(), None, {INDEX: 1.0})
    view = View(weights={IDS[0]: 1.0, INDEX: -1.0}, expected_return=0.01)

    prior = estimate(SNAPSHOT, IDS, (INDEX,), wanted)
    revised = estimate(SNAPSHOT, IDS, (INDEX,), replace(wanted, forecast_spec=BlackLitterman(views=(view,))))

    rows = SNAPSHOT.history[1:] / SNAPSHOT.history[:-1] - 1
    assert prior.forecast.expected_returns == pytest.approx(2.5 * np.cov(rows.T)[:5, 5], rel=EXACT)
    assert len(revised.forecast.expected_returns) == 5
    assert revised.forecast.expected_returns[0] > prior.forecast.expected_returns[0]
    assert revised.risk.scenarios == pytest.approx(rows)
