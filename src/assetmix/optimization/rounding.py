"""From the continuous optimum to trades in whole steps, cash never below its floor."""

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.lots.allocation import nearest_lots
from assetmix.optimization.lots.exchange import Exchange
from assetmix.optimization.lots.form import Form, form_of
from assetmix.optimization.lots.ledger import Ledger
from assetmix.optimization.lots.levels import levels
from assetmix.optimization.lots.merit import Merit, by_deviation, merit_of
from assetmix.optimization.lots.walk import Walk
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import MONEY, RESIDUAL
from assetmix.optimization.verify import objective_value


def rounded_trades(problem: Problem, weights: Vector, cash: float) -> Vector:
    """Units to trade (n,) in whole steps, close to the continuous optimum.

    Parameters
    ----------
    weights : (n,) the continuous optimum
    cash : its cash, fraction of value
    """
    ledger = Ledger(problem, cash)
    between = levels(problem, weights)
    form = _form(problem)
    merit = merit_of(ledger, weights, cash, form)
    walk = Walk(ledger, between, merit)
    if problem.trading.lots and walk.at_once():
        return walk.units
    walk.raise_cash()
    walk.mend()
    walk.complete()
    if walk.mend():  # completing buys makes room for mends that cash did not allow before
        walk.complete()
    if not problem.trading.lots:
        return walk.units
    exchange = Exchange(ledger, between, weights)
    units = exchange.repair(walk.units)
    if by_deviation(problem):
        return _nearest(ledger, merit, units, (weights, cash))
    return _no_worse(ledger, exchange.improve(units, form), between.low, form)


def _no_worse(ledger: Ledger, units: Vector, down: Vector, form: Form | None) -> Vector:
    """The lots that were found, or the trades rounded down where they are better, affordable, and break no more."""
    both, problem = np.vstack([units, down]), ledger.problem
    weights = ledger.weights(both)
    values = problem.objective.sign * objective_value(problem, weights) if form is None else form.value(weights)
    if values[1] >= values[0] or float(ledger.cash(down)) < ledger.floor:
        return units
    broken = ledger.breaches(both).sum(axis=-1)
    return down if broken[1] <= max(float(broken[0]), RESIDUAL) else units


def _form(problem: Problem) -> Form | None:
    """The quadratic form that orders portfolios; kept for other accounts with the same objective."""
    if by_deviation(problem):
        return None
    kept = problem.shared.get("form")
    if kept is None or kept[0] != problem.objective:
        kept = problem.shared["form"] = (problem.objective, form_of(problem))
    form: Form | None = kept[1]
    return form


def _nearest(ledger: Ledger, merit: Merit, units: Vector, target: tuple[Vector, float]) -> Vector:
    """The lots nearest to the optimum, where they are found; else where the walk ended."""
    problem = ledger.problem
    if problem.trading.size_band > 0:
        return units
    nearest = nearest_lots(problem, *target, ledger.floor / problem.value)
    if nearest is None:
        return units
    both = np.vstack([units, nearest])
    broken, merits = ledger.breaches(both).sum(axis=-1), merit.of(both)
    affordable = ledger.cash(nearest) >= ledger.floor - MONEY * problem.value
    better = affordable and merits[1] < merits[0] and broken[1] <= max(float(broken[0]), RESIDUAL)
    return nearest if better else units
