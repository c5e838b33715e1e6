"""Risk models and forecasts against numpy, scikit-learn, skfolio, plain loops and closed forms."""

import numpy as np
import pytest
from skfolio.moments import DenoiseCovariance, ShrunkMu, ShrunkMuMethods
from sklearn.covariance import OAS, LedoitWolf

from assetmix.domain.risk import RiskModel
from assetmix.domain.snapshot import Snapshot
from assetmix.estimation.components import signals
from assetmix.estimation.covariance import estimated_risk
from assetmix.estimation.expected_return import bayes_stein, estimated_mean
from assetmix.estimation.moments import moments, remainder
from assetmix.estimation.specs import (
    DenoisedRisk,
    EstimatedRisk,
    EwmaMean,
    EwmaRisk,
    FactorRisk,
    LedoitWolfRisk,
    OasRisk,
    SampleRisk,
    ShrunkMean,
)
from tests.makers import make_snapshot, stock_ids
from tests.tolerances import EXACT

KINDS: tuple[EstimatedRisk, ...] = (
    SampleRisk(),
    EwmaRisk(half_life=20.0),
    LedoitWolfRisk(),
    OasRisk(),
    DenoisedRisk(),
    FactorRisk(factors=2),
)


def rows_of(snapshot: Snapshot, count: int) -> np.ndarray:
    return (snapshot.history[1:] / snapshot.history[:-1] - 1)[:, :count]


def risk_of(snapshot: Snapshot, spec: EstimatedRisk) -> RiskModel:
    return estimated_risk(snapshot, stock_ids(snapshot), spec)


def test_weighted_moments_are_a_plain_loops() -> None:
    random = np.random.default_rng(1)
    rows, weights = random.normal(size=(9, 3)), random.dirichlet(np.ones(9))

    found = moments(rows, weights)

    mean = sum(p * row for p, row in zip(weights, rows, strict=True))
    spread = sum(p * np.outer(row - mean, row - mean) for p, row in zip(weights, rows, strict=True))
    about_zero = sum(p * np.outer(row, row) for p, row in zip(weights, rows, strict=True))
    divisor = 1 - sum(p * p for p in weights)
    assert found.root.T @ found.root == pytest.approx(spread / divisor, rel=EXACT)
    total = found.root.T @ found.root + np.outer(found.drift, found.drift)
    assert total == pytest.approx(about_zero / divisor, rel=EXACT)


def test_equal_weights_have_the_divisor_of_numpys_covariance() -> None:
    rows = np.random.default_rng(2).normal(size=(12, 4))

    found = moments(rows, np.full(12, 1 / 12))

    assert found.root.T @ found.root == pytest.approx(np.cov(rows.T), rel=EXACT)


def test_the_divisor_is_exact_when_one_weight_is_nearly_all() -> None:
    """1 - (1 - e)^2 - e^2 = 2 e (1 - e); the plain formula loses every digit at e = 1e-17."""
    assert remainder(np.array([1.0, 1e-17])) == pytest.approx(2e-17, rel=EXACT)


def test_exponential_weights_halve_at_the_half_life() -> None:
    """numpy.cov with reliability weights has the divisor 1 - sum p^2 too."""
    snapshot = make_snapshot(count=4, periods=80)
    rows = rows_of(snapshot, 4)
    weights = np.array([2.0 ** (-(len(rows) - 1 - t) / 20) for t in range(len(rows))])

    found = risk_of(snapshot, EwmaRisk(half_life=20))
    forecast = estimated_mean(snapshot, stock_ids(snapshot), EwmaMean(half_life=20))

    assert found.covariance == pytest.approx(np.cov(rows.T, aweights=weights), rel=EXACT)
    assert forecast.expected_returns == pytest.approx(np.average(rows, axis=0, weights=weights), rel=EXACT)
    assert found.mean == pytest.approx(forecast.expected_returns)


@pytest.mark.parametrize(("count", "periods"), [(4, 60), (12, 10)])
def test_shrunk_covariances_are_scikit_learns_with_divisor_t_minus_one(count: int, periods: int) -> None:
    snapshot = make_snapshot(count=count, periods=periods)
    rows = rows_of(snapshot, count)
    factor = len(rows) / (len(rows) - 1)

    for spec, peer in ((LedoitWolfRisk(), LedoitWolf()), (OasRisk(), OAS())):
        expected = factor * peer.fit(rows).covariance_
        assert risk_of(snapshot, spec).covariance == pytest.approx(expected, rel=EXACT)


def test_denoised_covariance_is_skfolios_where_both_see_the_same_factors() -> None:
    """One strong market factor: both keep one eigenvalue, though they fit the noise's size differently."""
    snapshot = market(count=40, periods=1000)

    found = risk_of(snapshot, DenoisedRisk())

    assert len(found.root) == 1
    peer = DenoiseCovariance().fit(rows_of(snapshot, 40)).covariance_
    assert found.covariance == pytest.approx(peer, rel=EXACT)


def test_denoising_keeps_variances_and_makes_few_returns_enough() -> None:
    snapshot = make_snapshot(count=30, periods=16)

    found = risk_of(snapshot, DenoisedRisk())

    assert np.diagonal(found.covariance) == pytest.approx(rows_of(snapshot, 30).var(axis=0, ddof=1), rel=EXACT)
    assert np.linalg.eigvalsh(found.covariance)[0] > 1e-6


def test_chance_is_rarely_taken_for_a_factor() -> None:
    """Marchenko and Pastur: eigenvalues of independent returns end at (1 + sqrt(N / T))^2."""
    random = np.random.default_rng(3)

    counts = []
    for _ in range(20):
        values = np.linalg.eigvalsh(np.corrcoef(random.normal(size=(500, 50)).T))[::-1]
        counts.append(signals(values, 50, 500))

    assert np.mean(counts) < 0.5
    assert max(counts) <= 2


def test_a_factor_model_with_all_factors_is_the_sample() -> None:
    snapshot = make_snapshot(count=6, periods=40)

    found = risk_of(snapshot, FactorRisk(factors=6))

    assert found.covariance == pytest.approx(np.cov(rows_of(snapshot, 6).T), rel=EXACT)
    assert not found.specific_variance.any()


def test_a_factor_model_is_the_leading_eigenvectors_and_what_is_left_of_each_variance() -> None:
    """An independent formulation: eigenvectors of numpy's correlation matrix."""
    snapshot = make_snapshot(count=6, periods=40)
    rows = rows_of(snapshot, 6)
    values, vectors = np.linalg.eigh(np.corrcoef(rows.T))
    common = (vectors[:, -2:] * values[-2:]) @ vectors[:, -2:].T
    expected = (common + np.diag(1 - np.diagonal(common))) * np.outer(
        rows.std(axis=0, ddof=1), rows.std(axis=0, ddof=1)
    )

    found = risk_of(snapshot, FactorRisk(factors=2))

    assert found.root.shape == (2, 6)
    assert found.covariance == pytest.approx(expected, rel=EXACT)


def test_a_market_with_one_factor_is_seen_to_have_one() -> None:
    assert len(risk_of(market(count=20, periods=400), FactorRisk()).root) == 1


def test_bayes_stein_with_a_weighted_target_is_skfolios_but_for_jorions_scaling_of_the_covariance() -> None:
    """skfolio takes the covariance as it is; Jorion (1986) multiplies it by (T - 1) / (T - N - 2)."""
    rows = np.random.default_rng(7).normal(0.001, 0.01, size=(200, 6))
    peer = ShrunkMu(vol_weighted_target=True, method=ShrunkMuMethods.BAYES_STEIN).fit(rows)
    distance = 8 / peer.beta_ - 8

    weight = 8 / (8 + distance * (200 - 6 - 2) / 199)

    mean = rows.mean(axis=0)
    assert bayes_stein(rows) == pytest.approx(mean + weight * (peer.mu_target_ - mean), rel=EXACT)


def test_equal_means_are_shrunk_to_what_they_are() -> None:
    rows = np.random.default_rng(8).normal(size=(40, 3))
    rows += 0.5 - rows.mean(axis=0)

    assert bayes_stein(rows) == pytest.approx([0.5, 0.5, 0.5], rel=EXACT)


def test_a_share_class_twice_does_not_trouble_shrinkage() -> None:
    rows = np.random.default_rng(9).normal(0.001, 0.01, size=(60, 3))[:, [0, 1, 2, 2]]

    found = bayes_stein(rows)

    assert np.isfinite(found).all()
    assert found[2] == pytest.approx(found[3])


def test_shrunk_forecast_is_scaled_to_the_horizon() -> None:
    snapshot = make_snapshot()
    ids = stock_ids(snapshot)

    daily = estimated_mean(snapshot, ids, ShrunkMean())
    yearly = estimated_mean(snapshot, ids, ShrunkMean(horizon_days=365))

    assert yearly.expected_returns == pytest.approx(252 * daily.expected_returns, rel=EXACT)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_every_risk_model_scales_moments_to_the_horizon_and_leaves_scenarios(spec: EstimatedRisk) -> None:
    """Covariance and mean grow linearly, roots with the square root: 252 sessions in 365 days."""
    snapshot = make_snapshot(count=5, periods=60)
    fields = {name: getattr(spec, name) for name in ("half_life", "factors") if hasattr(spec, name)}

    daily = risk_of(snapshot, spec)
    yearly = risk_of(snapshot, type(spec)(horizon_days=365, **fields))

    assert yearly.covariance == pytest.approx(252 * daily.covariance, rel=EXACT)
    assert yearly.root == pytest.approx(np.sqrt(252) * daily.root, rel=EXACT)
    assert yearly.mean == pytest.approx(252 * daily.mean, rel=EXACT)
    assert yearly.scenarios == pytest.approx(rows_of(snapshot, 5), rel=EXACT)
    assert yearly.probabilities is None


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_every_risk_model_has_second_moments_of_its_covariance_and_mean(spec: EstimatedRisk) -> None:
    """About zero, with the covariance's divisor: S + mean mean' / (1 - sum p^2), T / (T - 1) for equal weights."""
    snapshot = make_snapshot(count=5, periods=61)
    found = risk_of(snapshot, spec)
    weights = 0.5 ** (np.arange(60) / getattr(spec, "half_life", np.inf))
    divisor = 1 - np.square(weights / weights.sum()).sum()

    root = found.uncentered_root

    expected = found.covariance + np.outer(found.mean, found.mean) / divisor
    assert root.T @ root == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_every_risk_model_takes_an_instrument_whose_price_never_moves(spec: EstimatedRisk) -> None:
    snapshot = make_snapshot(count=3, periods=30)
    history = snapshot.history.copy()
    history[:, 1] = 100.0

    covariance = risk_of(Snapshot(snapshot.as_of, snapshot.instruments, history[-1], snapshot.dates, history), spec)

    assert np.isfinite(covariance.covariance).all()


def test_a_market_where_nothing_moves_has_no_risk() -> None:
    snapshot = make_snapshot(count=3, periods=10)
    still = Snapshot(snapshot.as_of, snapshot.instruments, np.ones(4), snapshot.dates, np.ones((10, 4)))

    for spec in KINDS:
        assert not risk_of(still, spec).covariance.any()


def market(count: int, periods: int) -> Snapshot:
    """Stocks that share one market return beside noise of their own."""
    random = np.random.default_rng(10)
    snapshot = make_snapshot(count=count, periods=periods + 1)
    returns = random.normal(0, 0.01, (periods, 1)) + random.normal(0, 0.01, (periods, count + 1))
    history = np.vstack([np.ones(count + 1), np.cumprod(1 + returns, axis=0)])
    return Snapshot(snapshot.as_of, snapshot.instruments, history[-1], snapshot.dates, history)
