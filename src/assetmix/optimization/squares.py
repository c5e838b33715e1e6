"""Sums of squares in a mixed-integer relaxation: term by term, and tight where a position is 0.

A tangent of a whole quadratic form is a poor bound once instruments may be left out. Here |Fw - g|^2
is split into a separable part d_i v_i^2 and single squares of the rest. The first is tightened by
its perspective, v_i^2 / x_i with x_i the indicator of v_i; each square has tangents of its own.

Sources: Frangioni and Gentile, Perspective cuts for a class of convex 0-1 mixed integer programs,
Mathematical Programming 106 (2006); Vielma, Dunning, Huchette and Lubin, Extended formulations in
mixed integer conic quadratic programming, Mathematical Programming Computation 9 (2017).
"""

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.rows import gram, own_squares
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision, Sides
from assetmix.optimization.measure import Squares
from assetmix.optimization.tolerances import TINY

PRESENT = 1e-6
"""Part to which a position has to be held to count as held."""

KEPT = 1e-12
"""Part of the largest eigenvalue below which a direction has no risk."""


class SquaresEpigraph:
    """Linear lower bound of a sum of squares over a decision, tightened by cuts."""

    def __init__(self, squares: Squares, decision: Decision) -> None:
        self._sides = sides_of(decision)
        held = self._sides is not None
        self._shift = decision.problem.current_weights if held and self._sides is trades_of(decision) else 0.0
        quadratic = gram(squares.rows)
        self._diagonal = separable(squares.rows, quadratic) if held else np.zeros(len(quadratic))
        self._factors = factors(quadratic - np.diag(self._diagonal))
        self._images = cp.Variable(max(1, len(self._factors)), name="factors")
        self._squares = cp.Variable(max(1, len(self._factors)), nonneg=True, name="squares")
        self._own = cp.Variable(len(quadratic), nonneg=True, name="own squares")
        if len(self._factors):
            decision.link(self._images == self._factors @ decision.weights)
        self._linear = -2.0 * (squares.rows.T @ squares.offset)
        self._constant = float(squares.offset @ squares.offset)
        self._decision = decision

    @property
    def bound(self) -> Expression:
        """What the cuts say of the sum of squares so far."""
        values = self._decision.weights if self._sides is None else self._sides.values
        shift = self._diagonal * self._shift
        own = self._diagonal @ self._own + 2.0 * shift @ values + float(np.sum(shift * self._shift))
        rest = cp.sum(self._squares) if len(self._factors) else 0.0
        return own + rest + self._linear @ self._decision.weights + self._constant

    def cuts(self, weights: Vector, parts: Vector | None = None) -> list[Expression]:
        """Rows that are tight at the weights (n,), where positions are held to some parts (n,), else as a whole."""
        rows = []
        if len(self._factors):
            images = self._factors @ weights
            rows.append(self._squares >= 2.0 * cp.multiply(images, self._images) - images**2)
        if self._sides is not None:
            values = weights - self._shift
            if parts is not None:
                values = np.divide(values, parts, out=np.zeros_like(values), where=parts > PRESENT)
            indicators = self._sides.above + self._sides.below
            touching = 2.0 * cp.multiply(values, self._sides.values) - cp.multiply(values**2, indicators)
            rows.append(self._own >= touching)
        return rows


def sides_of(decision: Decision) -> Sides | None:
    """Numbers that indicators say are 0: weights, else trades; None without indicators."""
    if "long" in decision.indicators:
        return decision.positions
    return trades_of(decision)


def trades_of(decision: Decision) -> Sides | None:
    """Trades with their indicators, where the decision has any."""
    return decision.orders if "bought" in decision.indicators else None


def separable(rows: Matrix, quadratic: Matrix) -> Vector:
    """A diagonal d (n,) with R'R - diag(d) still positive semidefinite.

    The instruments' own risks are such a diagonal; of what is left, the same part of each entry.
    """
    own = own_squares(rows)
    rest = quadratic - np.diag(own)
    scale = np.sqrt(np.maximum(np.diag(rest), TINY))
    correlation = rest / np.outer(scale, scale)
    part = max(0.0, float(np.linalg.eigvalsh(correlation)[0]) - KEPT)
    return np.asarray(own + part * scale**2)


def factors(matrix: Matrix) -> Matrix:
    """Rows P (k, n) with P'P the matrix, directions without risk left out."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > KEPT * max(float(values[-1]), TINY)
    return np.asarray((vectors[:, kept] * np.sqrt(values[kept])).T)
