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
from assetmix.domain.rows import dense, gram, own_squares, shared_rows
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision, Sides
from assetmix.optimization.measure import Squares
from assetmix.optimization.tolerances import TINY

MOST = 500
"""So many instruments are few enough for the eigenvalues of their covariance, within a time limit."""

PRESENT = 1e-6
"""Part to which a position has to be held to count as held."""

KEPT = 1e-12
"""Part of the largest eigenvalue below which a direction has no risk."""


class SquaresEpigraph:
    """Linear lower bound of a sum of squares over a decision, tightened by cuts."""

    def __init__(self, squares: Squares, decision: Decision) -> None:
        self._sides = sides_of(decision)
        self._is_of_trades = self._sides is not None and self._sides is trades_of(decision)
        self._diagonal, self._factors = split(squares.rows)
        if self._sides is None:
            self._diagonal, self._factors = np.zeros(len(self._diagonal)), whole(squares.rows)
        self._images = cp.Variable(max(1, len(self._factors)), name="factors")
        self._squares = cp.Variable(max(1, len(self._factors)), nonneg=True, name="squares")
        self._own = cp.Variable(len(self._diagonal), nonneg=True, name="own squares")
        if len(self._factors):
            decision.link(self._images == self._factors @ decision.weights)
        self._linear = -2.0 * (squares.rows.T @ squares.offset)
        self._constant = float(squares.offset @ squares.offset)
        self._decision = decision

    @property
    def bound(self) -> Expression:
        """What the cuts say of the sum of squares so far."""
        own = self._diagonal @ self._own
        if self._is_of_trades:
            own = own + before_trades(self._decision, self._diagonal)
        rest = cp.sum(self._squares) if len(self._factors) else 0.0
        return own + rest + self._linear @ self._decision.weights + self._constant

    def cuts(self, weights: Vector, parts: Vector | None = None) -> list[Expression]:
        """Rows that are tight at the weights (n,), where positions are held to some parts (n,), else as a whole."""
        rows = []
        if len(self._factors):
            images = self._factors @ weights
            rows.append(self._squares >= 2.0 * cp.multiply(images, self._images) - images**2)
        if self._sides is not None:
            values = weights - self._decision.problem.current_weights if self._is_of_trades else weights
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


def before_trades(decision: Decision, diagonal: Vector) -> Expression:
    """What w'Dw is more than z'Dz with trades z = w - c from weights c: 2c'Dw - c'Dc."""
    slope = decision.parameter(lambda one: 2.0 * diagonal * one.current_weights)
    return slope @ decision.weights - decision.parameter(lambda one: float(diagonal @ one.current_weights**2))


def split(rows: Matrix) -> tuple[Vector, Matrix]:
    """A diagonal d (n,) and dense rows P (k, n) with R'R = diag(d) + P'P.

    The instruments' own risks are such a diagonal, and with fewer factors than instruments nothing
    can be added to it. Otherwise the same part of each variance that is left is, where instruments
    are few enough to find how large a part.
    """
    own, others = own_squares(rows), shared_rows(rows)
    if len(others) < len(own) or len(own) > MOST:
        return own, others
    rest = gram(others)
    scale = np.sqrt(np.maximum(np.diag(rest), TINY))
    part = max(0.0, float(np.linalg.eigvalsh(rest / np.outer(scale, scale))[0]) - KEPT)
    further = part * scale**2
    return own + further, factors(rest - np.diag(further))


def whole(rows: Matrix) -> Matrix:
    """Dense rows P (k, n) with R'R = P'P, no more than there are instruments where that is soon found."""
    height, count = rows.shape
    return dense(rows) if height <= count or count > MOST else factors(gram(rows))


def factors(matrix: Matrix) -> Matrix:
    """Rows P (k, n) with P'P the matrix, directions without risk left out."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > KEPT * max(float(values[-1]), TINY)
    return np.asarray((vectors[:, kept] * np.sqrt(values[kept])).T)
