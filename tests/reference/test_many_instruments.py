"""Hundreds of instruments: factor rows, compressed covariances and factor-form risk parity against dense ones."""

import dataclasses

import numpy as np
import pytest

from assetmix.domain import rows
from assetmix.domain.risk import RiskModel
from assetmix.domain.universe import Universe
from assetmix.estimation.components import EIGENVECTORS, WHOLE, compressed
from assetmix.estimation.covariance import estimated_risk
from assetmix.estimation.moments import moments
from assetmix.estimation.specs import SampleRisk, sessions
from assetmix.optimization.budgeting import budget_by_volatility
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import resolve
from assetmix.optimization.solution import Solution
from assetmix.optimization.solve import solve
from benchmarks.accounts import Market
from tests.makers import make_snapshot

ROUNDING = 1e-12
SAME = 1e-7
"""Relative distance of the objectives of two formulations of one problem."""


def factor_risk(count: int, factors: int, seed: int) -> RiskModel:
    random = np.random.default_rng(seed)
    root = random.normal(0.0, 0.01, (factors, count))
    own = random.uniform(0.005, 0.02, count) ** 2
    return RiskModel(Universe(tuple(f"S{i}" for i in range(count))), root, own)


@pytest.mark.parametrize("count", [rows.SPARSE, rows.SPARSE + 1])
def test_rows_of_own_risks_give_the_dense_covariance(count: int) -> None:
    """Both sides of the size at which rows become sparse, against R'R + diag(d) written out."""
    risk = factor_risk(count, 4, 0)
    stated = rows.with_own_risks(risk.root, risk.specific_variance)
    dense = risk.root.T @ risk.root + np.diag(risk.specific_variance)
    factors = np.random.default_rng(1).uniform(-2, 2, count)

    np.testing.assert_allclose(rows.gram(stated), dense, rtol=ROUNDING, atol=1e-18)
    np.testing.assert_allclose(rows.norms(stated), np.sqrt(np.diag(dense)), rtol=ROUNDING)
    scaled = rows.gram(rows.scaled(stated, factors))
    np.testing.assert_allclose(scaled, dense * np.outer(factors, factors), rtol=ROUNDING, atol=1e-18)
    np.testing.assert_allclose(rows.gram(rows.stacked([stated, stated])), 2.0 * dense, rtol=ROUNDING, atol=1e-18)
    assert rows.largest(stated) == max(np.abs(risk.root).max(), np.sqrt(risk.specific_variance).max())


def test_sparse_and_dense_rows_have_one_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    market = Market(count=rows.SPARSE + 20, factors=5)
    sparse = solve(resolve(market.question(0), Memory(8)), Memory(8), lambda: 60.0)
    monkeypatch.setattr(rows, "SPARSE", 10_000)
    dense = solve(resolve(market.question(0), Memory(8)), Memory(8), lambda: 60.0)

    assert isinstance(sparse, Solution)
    assert isinstance(dense, Solution)
    assert sparse.objective_value == pytest.approx(dense.objective_value, rel=SAME)


def test_a_compressed_covariance_keeps_variances_and_says_what_it_drops() -> None:
    """Against the eigenvalues of the whole covariance, formed and decomposed by numpy."""
    snapshot = make_snapshot(WHOLE + 1, periods=120)
    ids = tuple(f"S{i:02d}" for i in range(WHOLE + 1))
    spec = SampleRisk()
    small, large = estimated_risk(snapshot, ids[:-1], spec), estimated_risk(snapshot, ids, spec)

    assert small.compression is None
    assert large.compression is not None
    assert large.root.shape == (EIGENVECTORS, WHOLE + 1)
    whole = np.cov(np.asarray(large.scenarios).T) * sessions(spec.horizon_days, spec.frequency)
    np.testing.assert_allclose(np.diag(large.covariance), np.diag(whole), rtol=1e-9)
    eigenvalues = np.linalg.eigvalsh(whole)[::-1]
    kept = eigenvalues[:EIGENVECTORS].sum() / eigenvalues.sum()
    assert large.compression.factors == EIGENVECTORS
    assert large.compression.dropped == pytest.approx(1.0 - kept, abs=1e-9)


def test_few_rows_are_left_as_they_are() -> None:
    sample = moments(np.random.default_rng(0).normal(size=(EIGENVECTORS, WHOLE + 5)))

    assert compressed(sample) == (sample, None)


@pytest.mark.parametrize(("count", "factors"), [(5, 2), (40, 3), (40, 60), (300, 8)])
def test_risk_parity_in_factor_form_has_the_contributions_of_the_dense_covariance(count: int, factors: int) -> None:
    """Contributions by their definition w_i (Sw)_i / w'Sw, with S written out."""
    risk = factor_risk(count, factors, count)
    budgets = np.random.default_rng(3).uniform(0.5, 2.0, count)
    budgets /= budgets.sum()
    weights = budget_by_volatility(risk, budgets)
    dense = risk.root.T @ risk.root + np.diag(risk.specific_variance)
    contributions = weights * (dense @ weights)

    np.testing.assert_allclose(contributions / contributions.sum(), budgets, atol=1e-10)


def test_risk_parity_without_own_risks_is_solved_in_factor_form_too() -> None:
    drawn = factor_risk(30, 6, 1)
    risk = dataclasses.replace(drawn, root=np.abs(drawn.root), specific_variance=np.zeros(30))
    weights = budget_by_volatility(risk, np.full(30, 1 / 30))
    contributions = weights * (risk.root.T @ (risk.root @ weights))

    np.testing.assert_allclose(contributions / contributions.sum(), 1 / 30, atol=1e-8)
