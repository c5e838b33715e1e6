"""How good trades are, and single further steps from them: by deviation, by a quadratic form, or by asking.

While lots are completed, portfolios with more and with less idle cash are compared as if all were
invested alike: weights are scaled to the target's sum. Exchanges are judged by the objective itself.
"""

from typing import Protocol

import numpy as np

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.domain.rows import gram, squared_norms, stacked
from assetmix.optimization.lots.ledger import Ledger, stepped
from assetmix.optimization.measure import LINEAR
from assetmix.optimization.problem import Problem
from assetmix.optimization.verify import objective_value


class Merit(Protocol):
    """Less is better."""

    def of(self, units: Vector) -> Vector:
        """Merit (...) of trades (..., n)."""

    def steps(self, units: Vector, positions: Positions, changes: Vector) -> tuple[float, Vector]:
        """Merit of trades (n,), and of the same with single changes (k,) at positions (k,)."""


class Deviation:
    """Sum of absolute deviations of weights and cash from the optimum."""

    def __init__(self, ledger: Ledger, target: Vector, cash: float) -> None:
        self._ledger = ledger
        self._target = target
        self._cash = cash

    def of(self, units: Vector) -> Vector:
        """Deviations of weights and of cash."""
        left = self._ledger.cash(units) / self._ledger.problem.value
        apart = np.abs(self._ledger.weights(units) - self._target).sum(axis=-1)
        return np.asarray(apart + np.abs(left - self._cash))

    def steps(self, units: Vector, positions: Positions, changes: Vector) -> tuple[float, Vector]:
        """One deviation and the cash change."""
        problem = self._ledger.problem
        apart = (self._ledger.weights(units) - self._target)[positions]
        left = float(self._ledger.cash(units)) / problem.value - self._cash
        moved = changes * problem.prices[positions] / problem.value
        cash = self._ledger.cash_changes(units, positions, changes) / problem.value
        now = float(self.of(units))
        return now, now + np.abs(apart + moved) - np.abs(apart) + np.abs(left + cash) - abs(left)


class Asked:
    """Any objective, by its value."""

    def __init__(self, ledger: Ledger, target: Vector) -> None:
        self._ledger = ledger
        self._invested = float(target.sum())

    def of(self, units: Vector) -> Vector:
        """Objective to be minimized of weights scaled to the target's sum."""
        problem = self._ledger.problem
        weights = self._ledger.weights(units)
        invested = weights.sum(axis=-1, keepdims=True)
        scale = np.where(invested > 0, self._invested / np.where(invested > 0, invested, 1.0), 1.0)
        return np.asarray(problem.objective.sign * objective_value(problem, weights * scale))

    def steps(self, units: Vector, positions: Positions, changes: Vector) -> tuple[float, Vector]:
        """One portfolio for each change."""
        merits = self.of(np.vstack([units, stepped(units, positions, changes)]))
        return float(merits[0]), merits[1:]


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


class Quadratic:
    """A quadratic objective, step by step with rank-one updates."""

    def __init__(self, ledger: Ledger, target: Vector, form: Form) -> None:
        self._ledger = ledger
        self._form = form
        self._invested = float(target.sum())

    def of(self, units: Vector) -> Vector:
        """Value of weights scaled to the target's sum."""
        weights = self._ledger.weights(units)
        return self._form.value(weights * self._scales(weights.sum(axis=-1))[..., np.newaxis])

    def steps(self, units: Vector, positions: Positions, changes: Vector) -> tuple[float, Vector]:
        """Expand |s F(w + a e) - g|^2 + s l'(w + a e) around w."""
        form, problem = self._form, self._ledger.problem
        weights = self._ledger.weights(units)
        moved = changes * problem.prices[positions] / problem.value
        images = form.rows @ weights
        curved, straight, invested = float(images @ images), float(form.line @ weights), float(weights.sum())
        further = moved * ((2.0 * (form.rows.T @ images))[positions] + moved * form.norms[positions])
        scales = self._scales(invested + moved)
        merits = scales * (scales * (curved + further) + straight + moved * form.line[positions]) + form.constant
        scale = self._invested / invested if invested > 0 else 1.0
        return scale * (scale * curved + straight) + form.constant, merits

    def _scales(self, invested: Vector) -> Vector:
        """What portfolios (...) are multiplied by, so that as much is invested as in the target."""
        if invested.min(initial=1.0) > 0:
            return np.asarray(self._invested / invested)
        return np.where(invested > 0, self._invested / np.where(invested > 0, invested, 1.0), 1.0)


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


def merit_of(ledger: Ledger, target: Vector, cash: float, form: Form | None) -> Merit:
    """By deviation where that is asked for or there is no objective; else by the objective."""
    if by_deviation(ledger.problem):
        return Deviation(ledger, target, cash)
    return Asked(ledger, target) if form is None else Quadratic(ledger, target, form)


def by_deviation(problem: Problem) -> bool:
    """Whether lots are to be near the optimum rather than good themselves."""
    return problem.trading.rounding == "least_deviation" or not problem.objective.terms
