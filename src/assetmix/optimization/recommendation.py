"""Whether the orders of an answer are worth placing, and every reason for it with what was observed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from assetmix.optimization.frame import InsideUniverse
from assetmix.optimization.limit import percent
from assetmix.optimization.problem import Problem
from assetmix.optimization.strategy import Thresholds
from assetmix.optimization.tolerances import RESIDUAL

TINY = 1e-12
"""Below this an objective counts as 0 where an improvement is a fraction of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A threshold that is reached: which one, its value, the limit it is about, and what was observed."""

    threshold: Literal["violation", "improvement", "cash_fraction", "cash_amount", "divest_amount", "universe"]
    value: float
    limit: str | None
    observed: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Whether to place the orders; where not, `sentence` says why."""

    is_recommended: bool
    sentence: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a recommendation is made of: breaches now, objective now and after the orders (minimized), orders."""

    breaches: dict[str, float] = field(default_factory=dict)
    before: float | None = None
    after: float | None = None
    orders: int = 0


def recommend(problem: Problem, standing: Standing) -> Recommendation:
    """Weigh the orders of an answer against the strategy's thresholds."""
    thresholds = problem.strategy.thresholds or Thresholds()
    reasons = tuple(_reasons(problem, thresholds, standing))
    worth = problem.value + problem.set_aside
    if worth < thresholds.min_value:
        sentence = f"The portfolio is worth {worth:.2f}; below {thresholds.min_value:.2f} nothing is recommended."
        return Recommendation(is_recommended=False, sentence=sentence, reasons=reasons)
    if not standing.orders:
        return Recommendation(is_recommended=False, sentence="There is nothing to trade.", reasons=reasons)
    if not reasons:
        sentence = "The orders would make the portfolio better, but no threshold is reached."
        return Recommendation(is_recommended=False, sentence=sentence)
    return Recommendation(is_recommended=True, sentence=reasons[0].sentence, reasons=reasons)


def _reasons(problem: Problem, thresholds: Thresholds, standing: Standing) -> Iterator[Reason]:
    yield from _divestment(problem)
    yield from _outside(problem)
    yield from _cash(problem, thresholds)
    for limit, amount in standing.breaches.items():
        if amount > thresholds.violation:
            yield Reason(
                threshold="violation",
                value=thresholds.violation,
                limit=limit,
                observed=amount,
                sentence=f"{limit} is breached by {percent(amount)}.",
            )
    yield from _improvement(thresholds, standing)


def _improvement(thresholds: Thresholds, standing: Standing) -> Iterator[Reason]:
    """Objectives are compared only where the portfolio keeps every limit already."""
    if standing.before is None or standing.after is None or standing.breaches:
        return
    gained = (standing.before - standing.after) / max(abs(standing.before), TINY)
    if gained > TINY and gained >= thresholds.improvement:
        yield Reason(
            threshold="improvement",
            value=thresholds.improvement,
            limit=None,
            observed=gained,
            sentence=f"The objective gets better by {percent(gained)}.",
        )


def _divestment(problem: Problem) -> Iterator[Reason]:
    """Money is to be set free that is not there as cash yet."""
    amount, cash = problem.divested, problem.cash + problem.set_aside
    if amount > cash and (problem.quantities != 0).any():
        wanted = "Everything" if amount >= problem.value + problem.set_aside else f"{amount:.2f}"
        sentence = f"{wanted} is to be paid out; {cash:.2f} is cash now."
        yield Reason(threshold="divest_amount", value=amount, limit=None, observed=cash, sentence=sentence)


def _outside(problem: Problem) -> Iterator[Reason]:
    rule = InsideUniverse()
    held = rule.breach(problem, problem.current)
    for row, weight in zip(rule.rows(problem), held, strict=True):
        if weight > RESIDUAL:
            yield Reason(
                threshold="universe", value=0.0, limit=row.id, observed=float(weight), sentence=f"{row.label}."
            )


def _cash(problem: Problem, thresholds: Thresholds) -> Iterator[Reason]:
    fraction = problem.current_cash
    bounds: tuple[tuple[Literal["cash_fraction", "cash_amount"], float | None, float, float], ...] = (
        ("cash_fraction", thresholds.cash_lower_fraction, fraction, 1.0),
        ("cash_fraction", thresholds.cash_upper_fraction, fraction, -1.0),
        ("cash_amount", thresholds.cash_lower_amount, problem.cash, 1.0),
        ("cash_amount", thresholds.cash_upper_amount, problem.cash, -1.0),
    )
    for unit, bound, observed, side in bounds:
        if bound is not None and side * (bound - observed) > 0:
            word = "below" if side > 0 else "above"
            yield Reason(
                threshold=unit,
                value=bound,
                limit="holdings.cash",
                observed=observed,
                sentence=f"Cash is {observed:.4g}, {word} {bound:g}.",
            )
