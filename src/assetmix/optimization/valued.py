"""Benchmarks that are given in units, as weights at the prices of a snapshot."""

from collections.abc import Mapping
from dataclasses import replace

from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.measure import Measure
from assetmix.optimization.strategy import Objective, Strategy

WITHOUT_VALUE = "empty-benchmark"


def in_weights(strategy: Strategy, prices: Mapping[str, float]) -> Strategy:
    """Give the strategy with the benchmarks of its measures as fractions of their value; those without one stay."""
    objective = strategy.objective
    if isinstance(objective, Objective):
        terms = tuple(replace(term, measure=_weighed(term.measure, prices)) for term in objective.terms)
        objective = replace(objective, terms=terms)
    constraints = tuple(_bounded(one, prices) for one in strategy.constraints)
    return replace(strategy, objective=objective, constraints=constraints)


def worthless(strategy: Strategy, prices: Mapping[str, float]) -> list[Fault]:
    """Find the measures whose benchmark is worth nothing although all of it has a price."""
    return [
        Fault(f"/strategy{pointer}", WITHOUT_VALUE, "the benchmark has no positive value; give it other quantities")
        for pointer, one in strategy.named_measures()
        if (units := getattr(one, "benchmark", {})) and units.keys() <= prices.keys() and _value(units, prices) <= 0
    ]


def _bounded(one: Constraint, prices: Mapping[str, float]) -> Constraint:
    measures = {pointer.removeprefix("/"): measure for pointer, measure in one.measures() if hasattr(one, pointer[1:])}
    changed = {field: _weighed(measure, prices) for field, measure in measures.items()}
    return replace(one, **changed) if changed else one  # type: ignore[arg-type]  # fields of its own class


def _weighed(one: Measure, prices: Mapping[str, float]) -> Measure:
    units: Mapping[str, float] = getattr(one, "benchmark", {})
    if not units or not units.keys() <= prices.keys() or _value(units, prices) <= 0:
        return one
    value = _value(units, prices)
    weights = {key: quantity * prices[key] / value for key, quantity in units.items()}
    return replace(one, benchmark=weights)  # type: ignore[call-arg]  # it has one


def _value(units: Mapping[str, float], prices: Mapping[str, float]) -> float:
    return sum(quantity * prices[key] for key, quantity in units.items())
