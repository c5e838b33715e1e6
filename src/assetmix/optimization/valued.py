"""Benchmarks that are given in units, as weights at the prices of a snapshot."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Fault
from assetmix.optimization.check import MOST_MONEY
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.measure import Measure
from assetmix.optimization.strategy import Objective, Strategy


def in_weights(strategy: Strategy, prices: Mapping[str, float]) -> Strategy:
    """Give the strategy with the benchmarks of its measures as fractions of their value."""
    objective = strategy.objective
    if isinstance(objective, Objective):
        terms = tuple(replace(term, measure=_weighed(term.measure, prices)) for term in objective.terms)
        objective = replace(objective, terms=terms)
    constraints = tuple(_bounded(one, prices) for one in strategy.constraints)
    return replace(strategy, objective=objective, constraints=constraints)


def benchmark_faults(strategy: Strategy, snapshot: Snapshot) -> Iterator[Fault]:
    """Find the benchmarks in units that cannot be valued."""
    for pointer, one in strategy.named_measures():
        units: Mapping[str, float] = getattr(one, "benchmark", {})
        missing = [key for key in units if key not in snapshot.prices]
        for key in missing:
            known = key in snapshot.by_id
            code, what = ("missing-price", "no price") if known else ("unknown-asset", "no instrument")
            yield Fault(
                f"/strategy{pointer}", code, f"{what} of {key}, which the benchmark holds; load it, or leave it out"
            )
        if any(abs(quantity) > MOST_MONEY for quantity in units.values()):
            yield Fault(f"/strategy{pointer}", "out-of-range", f"a quantity is at most {MOST_MONEY:g} either way")
        elif units and not missing and not 0 < _value(units, snapshot.prices) <= MOST_MONEY:
            detail = f"the benchmark is worth nothing, or more than {MOST_MONEY:g}; give it other quantities"
            yield Fault(f"/strategy{pointer}", "empty-benchmark", detail)


def _bounded(one: Constraint, prices: Mapping[str, float]) -> Constraint:
    measures = {pointer.removeprefix("/"): measure for pointer, measure in one.measures() if hasattr(one, pointer[1:])}
    changed = {field: _weighed(measure, prices) for field, measure in measures.items()}
    return replace(one, **changed) if changed else one  # type: ignore[arg-type]  # fields of its own class


def _weighed(one: Measure, prices: Mapping[str, float]) -> Measure:
    units: Mapping[str, float] = getattr(one, "benchmark", {})
    if not units:
        return one
    value = _value(units, prices)
    weights = {key: quantity * prices[key] / value for key, quantity in units.items()}
    return replace(one, benchmark=weights)  # type: ignore[call-arg]  # it has one


def _value(units: Mapping[str, float], prices: Mapping[str, float]) -> float:
    return sum(quantity * prices[key] for key, quantity in units.items())
