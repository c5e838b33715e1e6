"""Move limits of a question, named by their labels, by rewriting what the caller declared.

Nothing here knows of slacks: a bound is moved in the field that holds it, a limit of the frame by
the strategy that switches it off, and what is fixed becomes a band around its present place.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.hold_exactly import HoldExactly
from assetmix.optimization.constraints.leverage import Leverage
from assetmix.optimization.constraints.market_neutral import MarketNeutral
from assetmix.optimization.constraints.must_sell import MustSell
from assetmix.optimization.constraints.no_buy import NoBuy
from assetmix.optimization.constraints.no_sell import NoSell
from assetmix.optimization.constraints.no_trade import NoTrade
from assetmix.optimization.constraints.round_lots import RoundLots
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.decision import Decision
from assetmix.optimization.frame import InsideUniverse, LongOnly, MinimumOrder, NotTradable, outside, untradable
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.scope import Ids
from assetmix.optimization.strategy import UniverseById

FAR = 1e3
"""A limit that is moved so far is no more; the bound of a ratio is taken away."""

MUCH = 5e2
"""A move of any bound that could ever help."""

RATIOS = frozenset({"attribute_average", "group_difference", "group_weight", "measure_limit"})

Sides = Mapping[str, float]
"""How far the lower and the upper end of a limit move outwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearLots(RoundLots):
    """Trades no further than `by` from whole lots; understood by the independent formulation alone."""

    kind: Literal["round_lots"] = "round_lots"
    by: float


def problem_of(question: Question) -> Problem:
    """The question in arrays."""
    return resolve(question, Memory(2))


def labels(problem: Problem, one: Constraint) -> list[str]:
    """Labels of the limits of a constraint: their own, else that of the first of their rows."""
    rows = [row.label for row in one.rows(problem)]
    stated = list(one.limits(problem, Decision(problem, relaxed=True, unboxed=True, integers="free")))
    return [limit.label or rows[place] for place, limit in enumerate(stated)]


def every_label(question: Question) -> list[str]:
    """Labels of all hard limits, those of the frame included."""
    problem = problem_of(question)
    return [label for one in problem.constraints if one.penalty is None for label in labels(problem, one)]


def only(question: Question, kept: Sequence[str]) -> Question:
    """The same question with no other limits than those named."""
    return moved(question, {label: FAR for label in every_label(question) if label not in kept})


def moved(question: Question, by: Mapping[str, float]) -> Question:
    """The same question with the named limits moved outwards."""
    problem = problem_of(question)
    constraints: list[Constraint] = []
    for one in problem.constraints:
        named = [label for label in labels(problem, one) if label in by]
        if not named:
            constraints.extend([one] if one in question.strategy.constraints else [])
            continue
        sides = {side: by[label] for label in named for side in _sides(label)}
        question = _switched(question, problem, one, sides)
        constraints.extend(_loose(problem, one, sides))
    strategy = replace(question.strategy, constraints=tuple(constraints))
    return replace(question, strategy=strategy, strategy_key=repr(strategy), snapshot_key=f"{question.snapshot_key}'")


def _sides(label: str) -> tuple[str, ...]:
    """Gross and net leverage are two bands of one constraint; everything else has one."""
    prefix = "gross_" if "gross leverage" in label else "net_" if "net leverage" in label else ""
    if " at least " in label:
        return (f"{prefix}lower",)
    return (f"{prefix}upper",) if " at most " in label else (f"{prefix}lower", f"{prefix}upper")


def _switched(question: Question, problem: Problem, one: Constraint, sides: Sides) -> Question:
    """What a limit of the frame asks of strategy and snapshot to be moved."""
    strategy, ids = question.strategy, problem.universe.ids
    match one:
        case LongOnly():
            return replace(question, strategy=replace(strategy, shorting=True))
        case InsideUniverse() | NotTradable():
            named = strategy.universe.ids if isinstance(strategy.universe, UniverseById) else ()
            strategy = replace(strategy, universe=UniverseById(ids=tuple(dict.fromkeys((*named, *ids)))))
            instruments = tuple(
                replace(each, tradable=each.tradable or (isinstance(one, NotTradable) and each.id in ids))
                for each in question.snapshot.instruments
            )
            return replace(question, strategy=strategy, snapshot=replace(question.snapshot, instruments=instruments))
        case MinimumOrder():
            least = max(0.0, strategy.trading.min_order_amount - sides["lower"])
            return replace(
                question, strategy=replace(strategy, trading=replace(strategy.trading, min_order_amount=least))
            )
    return question


def _loose(problem: Problem, one: Constraint, sides: Sides) -> Iterator[Constraint]:  # noqa: C901, PLR0912, PLR0915 - one case a kind
    ids, current = problem.universe.ids, problem.universe.mapping(problem.current_weights)
    held = {key: current.get(key, 0.0) for key in ids}
    low, high = sides.get("lower", 0.0), sides.get("upper", 0.0)
    scope = [ids[i] for i in problem.members(one.scope)] if hasattr(one, "scope") else []
    match one:
        case LongOnly():
            yield from _around(dict.fromkeys(ids, 0.0), low, None)
        case InsideUniverse():
            yield from _around({ids[i]: 0.0 for i in outside(problem)}, low, high)
        case NotTradable():
            yield from _around({ids[i]: held[ids[i]] for i in untradable(problem)}, low, high)
        case HoldExactly(weights=weights):
            yield from _around({key: weights.get(key, 0.0) for key in ids}, low, high)
        case MustSell():
            yield from _around(dict.fromkeys(scope, 0.0), low, high)
        case NoTrade():
            yield from _around({key: held[key] for key in scope}, low, high)
        case NoBuy():
            yield from _around({key: held[key] for key in scope}, None, high)
        case NoSell():
            yield from _around({key: held[key] for key in scope}, low, None)
        case MarketNeutral():
            yield Leverage(net_lower=-low, net_upper=high)
            yield Cash(lower_fraction=-FAR)
        case RoundLots(scope=members):
            yield NearLots(scope=members, by=low)
        case MinimumOrder():
            return
        case _:
            yield replace(one, **_fields(problem, one, sides))


def _around(centers: Mapping[str, float], low: float | None, high: float | None) -> Iterator[Constraint]:
    for key, center in centers.items():
        ends = (None if low is None else center - low, None if high is None else center + high)
        yield WeightBounds(scope=Ids(ids=(key,)), lower=ends[0], upper=ends[1])


def _fields(problem: Problem, one: Constraint, sides: Sides) -> dict[str, float | None]:
    """New numbers of the fields that hold a band, a cap or a count."""
    if hasattr(one, "count"):
        sign = 1 if "upper" in sides else -1
        return {"count": max(0, one.count + sign * math.ceil(next(iter(sides.values())) - 1e-6))}
    found, named = {}, {each.name for each in fields(one)}
    for side, by in sides.items():
        for field, unit in ((side, 1.0), (f"{side}_fraction", 1.0), (f"{side}_amount", problem.value)):
            end = getattr(one, field, None) if field in named else None
            if end is not None:
                new = end + (by if side.endswith("upper") else -by) * unit
                if by >= FAR and one.kind in RATIOS:
                    found[field] = None
                    continue
                found[field] = new if one.kind not in {"position_band", "order_band"} else max(0.0, new)
    return found
