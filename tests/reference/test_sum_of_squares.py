"""Sums of squares stated with few variables, against the plain form in cvxpy."""

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmix.domain.rows import with_own_risks
from assetmix.optimization.solvers import CLARABEL
from assetmix.optimization.sum_of_squares import sum_of_squares

SAME = 1e-7


def rows_of(random: np.random.Generator, count: int, *, factors: int, own: bool) -> np.ndarray:
    """Rows of a factor model; without own risks for some instruments."""
    variances = random.uniform(0.0, 1.0, count) * (random.random(count) < 0.8) if own else np.zeros(count)
    return np.asarray(with_own_risks(random.normal(size=(factors, count)), variances))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), factors=st.integers(0, 4), own=st.booleans(), is_active=st.booleans())
def test_both_forms_have_the_same_optimum(seed: int, factors: int, own: bool, is_active: bool) -> None:  # noqa: FBT001
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 8))
    rows = rows_of(random, count, factors=factors, own=own)
    offset = rows @ random.dirichlet(np.ones(count)) if is_active else None
    weights = cvxpy.Variable(count)
    limits = [cvxpy.sum(weights) == 1, weights >= 0, weights <= 0.9]
    slope = 0.1 * random.normal(size=count) @ weights
    shifted = rows @ weights - (0.0 if offset is None else offset)

    values = []
    for form in (sum_of_squares(rows, offset, weights), cvxpy.sum_squares(shifted)):
        problem = cvxpy.Problem(cvxpy.Minimize(form + slope), limits)
        problem.solve(solver=CLARABEL.name, **CLARABEL.options)
        values.append(float(problem.value))
        assert float(form.value) == pytest.approx(float(np.square(shifted.value).sum()), rel=SAME, abs=1e-9)
    assert values[0] == pytest.approx(values[1], rel=SAME, abs=1e-8)


def test_own_risks_take_no_variables() -> None:
    """Twenty instruments under two factors: the weights and the two images, and nothing else."""
    rows = rows_of(np.random.default_rng(0), 20, factors=2, own=True)
    weights = cvxpy.Variable(20)
    problem = cvxpy.Problem(cvxpy.Minimize(sum_of_squares(rows, None, weights)), [cvxpy.sum(weights) == 1])
    data, _, _ = problem.get_problem_data(CLARABEL.name)

    assert data["P"].shape == (22, 22)


def test_what_is_no_variable_is_stated_as_it_is() -> None:
    """Weights that are an expression of others, as in ratios, have squares all the same."""
    rows = rows_of(np.random.default_rng(1), 5, factors=1, own=True)
    one = cvxpy.Variable(5)
    problem = cvxpy.Problem(cvxpy.Minimize(sum_of_squares(rows, None, 2.0 * one)), [cvxpy.sum(one) == 0.5])
    problem.solve(solver=CLARABEL.name, **CLARABEL.options)

    covariance = rows.T @ rows
    inverse = np.linalg.pinv(covariance)
    assert float(problem.value) <= 1.0 / float(inverse.sum()) + 1e-6
