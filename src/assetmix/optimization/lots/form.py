"""An objective as a quadratic form, which makes steps from one portfolio to the next cheap to judge."""

import numpy as np

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.domain.rows import gram, squared_norms, stacked
from assetmix.optimization.measure import LINEAR
from assetmix.optimization.problem import Problem


class Form:
    """A quadratic form |Fw - g|^2 + l'w, up to a constant: the objective, or one that orders portfolios alike."""

    def __init__(self, rows: Matrix, offset: Vector, slope: Vector) -> None:
        self.rows = rows
        self.offset = offset
        self.slope = slope
        self.norms = squared_norms(rows)
        self.across = rows.T @ offset
        self.line = slope - 2.0 * self.across
        self.constant = float(offset @ offset)

    def curvature(self, members: Positions) -> Matrix:
        """F'F of some instruments (m, m)."""
        return gram(self.rows[:, members])

    def gradient(self, weights: Vector) -> Vector:
        """Slope (n,) at weights (n,)."""
        return np.asarray(2.0 * (self.rows.T @ (self.rows @ weights) - self.across) + self.slope)

    def value(self, weights: Vector) -> Vector:
        """Value (...) at weights (..., n)."""
        apart = weights @ self.rows.T - self.offset
        return np.asarray(np.square(apart).sum(axis=-1) + weights @ self.slope)


def form_of(problem: Problem) -> Form | None:
    """The objective as a quadratic form, or one that orders portfolios alike; None where it is neither.

    A single deviation is ordered like its square.
    """
    terms = [(problem.objective.sign * one.weight, one.measure) for one in problem.objective.terms]
    root = terms[0][1].squared() if len(terms) == 1 else None
    if root is not None:
        terms = [(terms[0][0], root)]
    rows, offsets, slope = [], [], np.zeros(len(problem.universe))
    for factor, one in terms:
        squares = one.squares(problem)
        if squares is not None and factor > 0:
            rows.append(np.sqrt(factor) * squares.rows)
            offsets.append(np.sqrt(factor) * squares.offset)
        elif one.roles == LINEAR and one.fraction() is None:
            slope = slope + factor * one.tangent(problem, np.zeros(len(slope)), None).slope
        else:
            return None
    return Form(stacked(rows), np.concatenate(offsets), slope) if rows else None
