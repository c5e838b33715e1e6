"""What is wrong with a strategy whatever it is applied to; all faults at once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from assetmix.errors import (
    EmptyPortfolio,
    Fault,
    InconsistentConstraints,
    InvalidRequest,
    LimitExceeded,
    MissingData,
    StalePrice,
    UnknownAsset,
    escape,
)
from assetmix.estimation.spec_check import spec_faults
from assetmix.optimization.measure import ALWAYS, Measure, Role, measure
from assetmix.optimization.rule import Rule
from assetmix.optimization.strategy import Strategy, Term, UniverseById

MOST_ASSETS = 5000
MOST_CONSTRAINTS = 500
MOST_FAULTS = 20
MOST_MONEY = 1e15
MOST_COUNT = 1e6
MOST_WEIGHT = 1e6
MOST_FACTOR = 1e12
MOST_WINDOW = 100_000

_ERRORS: Mapping[str, Callable[[str, list[Fault]], InvalidRequest]] = {
    "unknown-asset": UnknownAsset,
    "missing-price": MissingData,
    "stale-price": StalePrice,
    "inconsistent-constraints": InconsistentConstraints,
    "empty-portfolio": EmptyPortfolio,
    "limit-exceeded": LimitExceeded,
}


def refuse(faults: list[Fault]) -> None:
    """Raise the error that fits the faults, if there are any.

    Raises
    ------
    InvalidRequest
        the subclass of the first fault, carrying the first twenty
    """
    if faults:
        error = _ERRORS.get(faults[0].code, InvalidRequest)
        raise error(faults[0].detail, faults[:MOST_FAULTS])


def check_strategy(strategy: Strategy) -> list[Fault]:
    """Find what is wrong with a strategy whatever it is applied to."""
    return [
        *_sizes(strategy),
        *_objective(strategy),
        *_constraints(strategy),
        *_measures(strategy),
        *_overlays(strategy),
        *_keys(strategy),
        *_figures(strategy),
    ]


def _sizes(strategy: Strategy) -> Iterator[Fault]:
    if len(strategy.constraints) > MOST_CONSTRAINTS:
        detail = f"at most {MOST_CONSTRAINTS} constraints, not {len(strategy.constraints)}"
        yield Fault("/constraints", "limit-exceeded", detail)
    if isinstance(strategy.universe, UniverseById) and len(strategy.universe.ids) > MOST_ASSETS:
        yield Fault("/universe/ids", "limit-exceeded", f"at most {MOST_ASSETS} instruments")
    if isinstance(strategy.universe, UniverseById) and len(set(strategy.universe.ids)) < len(strategy.universe.ids):
        yield Fault("/universe/ids", "duplicate", "an instrument is named twice; name each once")


def _objective(strategy: Strategy) -> Iterator[Fault]:
    if isinstance(strategy.objective, Rule):
        yield from _rule(strategy, strategy.objective)
        return
    if not strategy.objective.terms:
        yield Fault("/objective/terms", "missing", "an objective needs at least one term")
    for i, term in enumerate(strategy.objective.terms):
        wanted = Role.MINIMIZED if strategy.objective.sign * term.weight >= 0 else Role.MAXIMIZED
        if wanted not in term.measure.roles:
            detail = f"{term.measure.kind} cannot be {wanted.value}; change its sign or the sense of the objective"
            yield Fault(f"/objective/terms/{i}", "not-convex", detail)
        yield from (Fault(f"/objective/terms/{i}", "not-convex", detail) for detail in _ratio(strategy, term))


def _ratio(strategy: Strategy, term: Term) -> Iterator[str]:
    if term.measure.fraction() is not None and len(strategy.objective.terms) > 1:
        yield f"{term.measure.kind} is a ratio and stands alone; leave the other terms out, or bound them"
    if term.measure.kind == "diversification_ratio" and strategy.shorting:
        yield 'a diversification ratio is long only; leave "shorting" out'


def _rule(strategy: Strategy, rule: Rule) -> Iterator[Fault]:
    for fault in rule.faults():
        yield Fault(f"/objective{fault.pointer}", fault.code, fault.detail)
    if strategy.shorting:
        yield Fault("/shorting", "unsupported-rule", f'{rule.rule} is long only; leave "shorting" out')


def _constraints(strategy: Strategy) -> Iterator[Fault]:
    for i, constraint in enumerate(strategy.constraints):
        for fault in constraint.faults():
            yield Fault(f"/constraints/{i}{fault.pointer}", fault.code, fault.detail)
        yield from _outside(f"/constraints/{i}/penalty", constraint.penalty, (1 / MOST_FACTOR, MOST_FACTOR))
        for name in ("lower", "upper"):
            bound = getattr(constraint, name, None)
            if isinstance(bound, float | int):
                yield from _outside(f"/constraints/{i}/{name}", bound, (-MOST_WEIGHT, MOST_WEIGHT))
        for name in ("lower_amount", "upper_amount"):
            yield from _outside(f"/constraints/{i}/{name}", getattr(constraint, name, None), (-MOST_MONEY, MOST_MONEY))
        yield from _outside(f"/constraints/{i}/count", getattr(constraint, "count", None), (-MOST_COUNT, MOST_COUNT))


def _measures(strategy: Strategy) -> Iterator[Fault]:
    for pointer, one in strategy.named_measures():
        for fault in one.faults():
            yield Fault(f"{pointer}{fault.pointer}", fault.code, fault.detail)


def _overlays(strategy: Strategy) -> Iterator[Fault]:
    for i, one in enumerate(strategy.overlays):
        yield from (Fault(f"/overlays/{i}{fault.pointer}", fault.code, fault.detail) for fault in one.faults())


def _keys(strategy: Strategy) -> Iterator[Fault]:
    seen: dict[str, Measure] = {kind: measure.plain(kind) for kind in ALWAYS}
    for pointer, one in strategy.named_measures():
        for key in one.keys:
            if not _same(seen.setdefault(key, one), one):
                detail = f"two different measures would be reported as {key!r}; give one of them a name"
                yield Fault(pointer, "duplicate", detail)


def _same(one: Measure, other: Measure) -> bool:
    """Whether two measures of one key are the same number; a name that repeats the kind changes nothing."""
    return one == other or replace(one, name=None) == replace(other, name=None)


def _figures(strategy: Strategy) -> Iterator[Fault]:
    trading = strategy.trading
    for name in ("cost_fraction", "holding_fraction", "borrow_fraction", "size_band"):
        yield from _outside(f"/trading/{name}", getattr(trading, name), (0.0, 1.0))
    for name in ("cost_amount", "min_order_amount"):
        yield from _outside(f"/trading/{name}", getattr(trading, name), (0.0, MOST_MONEY))
    yield from _outside("/trading/impact/coefficient", getattr(trading.impact, "coefficient", None), (0.0, MOST_FACTOR))
    yield from _outside("/trading/impact/window", getattr(trading.impact, "window", None), (2, MOST_WINDOW))
    yield from _thresholds(strategy)
    yield from _specs(strategy)
    for key, weight in strategy.benchmark.items():
        yield from _outside(f"/benchmark/{escape(key)}", weight, (-MOST_WEIGHT, MOST_WEIGHT))
    terms = () if isinstance(strategy.objective, Rule) else strategy.objective.terms
    for i, term in enumerate(terms):
        yield from _outside(f"/objective/terms/{i}/weight", abs(term.weight) or 1.0, (1 / MOST_FACTOR, MOST_FACTOR))


def _thresholds(strategy: Strategy) -> Iterator[Fault]:
    names = ("min_value", "improvement", "violation")
    for name in names:
        yield from _outside(f"/thresholds/{name}", getattr(strategy.thresholds, name, None), (0.0, MOST_MONEY))
    for unit in ("fraction", "amount"):
        lower, upper = (getattr(strategy.thresholds, f"cash_{end}_{unit}", None) for end in ("lower", "upper"))
        if lower is not None and upper is not None and lower > upper:
            detail = f"lower {lower:g} lies above upper {upper:g}; swap them or widen the band"
            yield Fault(f"/thresholds/cash_lower_{unit}", "inconsistent-constraints", detail)


def _specs(strategy: Strategy) -> Iterator[Fault]:
    for name, spec in (("risk_model", strategy.risk_model), ("forecast", strategy.forecast)):
        faults = () if spec is None else spec_faults(spec)
        yield from (Fault(f"/{name}{one.pointer}", one.code, one.detail) for one in faults)


def _outside(pointer: str, figure: float | None, band: tuple[float, float]) -> Iterator[Fault]:
    low, high = band
    if figure is not None and not low <= figure <= high:
        yield Fault(pointer, "out-of-range", f"{pointer.rsplit('/', 1)[1]} lies between {low:g} and {high:g}")
