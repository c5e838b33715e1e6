"""How good trades are, and single further steps from them: by deviation, by a quadratic form, or by asking.

While lots are completed, portfolios with more and with less idle cash are compared as if all were
invested alike: weights are scaled to the target's sum. Exchanges are judged by the objective itself.
"""

from typing import Protocol

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.lots.form import Form
from assetmix.optimization.lots.ledger import Ledger, stepped
from assetmix.optimization.lots.trail import Expanded, Recomputed, Trail, to_scale
from assetmix.optimization.problem import Problem
from assetmix.optimization.verify import objective_value


class Merit(Protocol):
    """Less is better."""

    def of(self, units: Vector) -> Vector:
        """Merit (...) of trades (..., n)."""

    def steps(self, units: Vector, positions: Positions, changes: Vector) -> tuple[float, Vector]:
        """Merit of trades (n,), and of the same with single changes (k,) at positions (k,)."""

    def trail(self, units: Vector, positions: Positions, changes: Vector) -> Trail:
        """The same, for changes that are made one after the other."""


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

    def trail(self, units: Vector, positions: Positions, changes: Vector) -> Trail:
        """Nothing is carried along."""
        return Recomputed(self.steps, units, positions, changes)


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

    def trail(self, units: Vector, positions: Positions, changes: Vector) -> Trail:
        """Nothing is carried along."""
        return Recomputed(self.steps, units, positions, changes)


class Quadratic:
    """A quadratic objective, step by step with rank-one updates."""

    def __init__(self, ledger: Ledger, target: Vector, form: Form) -> None:
        self._ledger = ledger
        self._form = form
        self._invested = float(target.sum())

    def of(self, units: Vector) -> Vector:
        """Value of weights scaled to the target's sum."""
        weights = self._ledger.weights(units)
        return self._form.value(weights * to_scale(self._invested, weights.sum(axis=-1))[..., np.newaxis])

    def steps(self, units: Vector, positions: Positions, changes: Vector) -> tuple[float, Vector]:
        """Changes of a trail that none is made of."""
        return self.trail(units, positions, changes).merits()

    def trail(self, units: Vector, positions: Positions, changes: Vector) -> Trail:
        """Rank-one updates of the form."""
        problem = self._ledger.problem
        moved = changes * problem.prices[positions] / problem.value
        return Expanded(self._form, self._ledger.weights(units), positions, moved, self._invested)


def merit_of(ledger: Ledger, target: Vector, cash: float, form: Form | None) -> Merit:
    """By deviation where that is asked for or there is no objective; else by the objective."""
    if by_deviation(ledger.problem):
        return Deviation(ledger, target, cash)
    return Asked(ledger, target) if form is None else Quadratic(ledger, target, form)


def by_deviation(problem: Problem) -> bool:
    """Whether lots are to be near the optimum rather than good themselves."""
    return problem.trading.rounding == "least_deviation" or not problem.objective.terms
