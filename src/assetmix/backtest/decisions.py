"""Decisions that depend on nothing that is held: they can be made beforehand, in any order, anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from assetmix.backtest.account import Account, Target
from assetmix.backtest.adviser import Advice, key_of
from assetmix.backtest.run import Plan
from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization.decision import Decision
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.statement import state_limits
from assetmix.optimization.strategy import UniverseById
from assetmix.optimization.verify import objective_value

FEWEST, MOST = 4, 64
"""Decisions of a range."""

RANGES = 32
"""Ranges that the decisions of a backtest are divided into, as far as these are neither short nor long."""


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Weights (d, m), cash (d,) and sentences (d,) that were decided at the sessions `places` (d,).

    A row of weights that is nan stands for no answer, for the reason in its sentence.
    """

    places: Vector
    weights: Matrix
    cash: Vector
    sentences: tuple[str, ...]


def ranges_of(ready: Plan) -> list[tuple[int, int]]:
    """Divide the planned decisions into ranges, counted from 0, ends not included; the same for the same backtest."""
    count = len(ready.course.planned())
    size = min(max(-(-count // RANGES), FEWEST), MOST)
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def steadied(ready: Plan, memory: Memory) -> tuple[Plan, bool]:
    """Have independent decisions made without a look at what is held, whoever makes them; and whether they are.

    What is held and not in the universe any more would else have a say in the estimates.
    """
    schedule = ready.course.spec.schedule.kind
    key = ("independent", *key_of(ready.question), schedule == "drift", _is_all_allowed(ready))
    if not memory.recall(key, lambda: is_independent(ready)):
        return ready, False
    account = nothing_held(ready)
    return replace(ready, advise=lambda place, _: ready.adviser.advise(place, account)), True


def is_independent(ready: Plan) -> bool:
    """Whether decisions depend on the session alone: neither limits nor objective look at what is held."""
    if ready.course.spec.schedule.kind == "drift" or not _is_all_allowed(ready):
        return False
    universe = ready.question.strategy.universe
    if not ready.question.strategy.trading.is_free or (isinstance(universe, UniverseById) and universe.keep_held):
        return False
    problem = ready.adviser.template(int(ready.course.planned()[0]), nothing_held(ready))
    return problem is not None and _looks_at_weights_alone(problem)


def nothing_held(ready: Plan) -> Account:
    """An account of cash: what independent decisions are made with."""
    return Account(np.zeros(len(ready.course.ids)), ready.begin.account.value(_first_prices(ready)))


def decide(ready: Plan, first: int, last: int) -> Decisions:
    """Decide at the planned sessions from `first` up to, not including, `last`.

    Raises
    ------
    OutOfTime
        when the time allowed is over before that
    """
    places = ready.course.planned()[first:last]
    account = nothing_held(ready)
    advised = [ready.adviser.advise(int(place), account) for place in places]
    none = np.full(len(ready.course.ids), np.nan)
    return Decisions(
        places.astype(np.float64),
        np.array([none if one.target is None else one.target.weights for one in advised]),
        np.array([np.nan if one.target is None else one.target.cash for one in advised]),
        tuple(one.sentence for one in advised),
    )


def foreseen(ready: Plan, made: list[Decisions]) -> Plan:
    """The same backtest with decisions that were made beforehand."""
    table = {
        int(place): _advice(ready, weights, float(cash), sentence)
        for one in made
        for place, weights, cash, sentence in zip(one.places, one.weights, one.cash, one.sentences, strict=True)
    }
    return replace(ready, advise=_Foreseen(ready, table))


class _Foreseen:
    """Gives what was decided beforehand; what was not is decided now."""

    def __init__(self, ready: Plan, table: Mapping[int, Advice]) -> None:
        self._ready, self._table = ready, table

    def __call__(self, place: int, account: Account) -> Advice:
        known = self._table.get(place)
        return self._ready.advise(place, account) if known is None else known


def _advice(ready: Plan, weights: Vector, cash: float, sentence: str) -> Advice:
    if np.isnan(cash):
        return Advice(None, sentence)
    charges = ready.course.spec.charges
    return Advice(Target(weights, cash), "", 0.0 if charges is None else charges.impact_coefficient)


def _is_all_allowed(ready: Plan) -> bool:
    """Whether nothing is held at the beginning that may not be held, or not be sold, afterwards."""
    tradable = np.array([one.tradable for one in ready.question.snapshot.instruments])
    return not (ready.begin.account.units[~(ready.sight.is_allowed & tradable)] != 0).any()


def _first_prices(ready: Plan) -> Vector:
    market = ready.course.market
    return np.asarray(market.known[market.first])


def _looks_at_weights_alone(problem: Problem) -> bool:
    other = replace(problem, value=2.0 * problem.value, quantities=3.0 * problem.quantities + 1.0)
    decision = Decision(problem, integers="free" if problem.is_integer else "continuous")
    state_limits(problem, decision)
    if decision.differs(other) or (problem.tradable == 0).any():
        return False
    weights = problem.allowed / max(1.0, float(problem.allowed.sum()))
    if not problem.objective.terms:
        return True
    return bool(objective_value(problem, weights) == objective_value(other, weights))
