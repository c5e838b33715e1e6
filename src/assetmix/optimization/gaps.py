"""Numbers that are either 0 or inside a band: positions and orders with a smallest size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.decision import Decision, Sides
from assetmix.optimization.limit import Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import HELD


@dataclass(frozen=True, slots=True)
class Gap:
    """Sizes that are allowed beside 0, fractions of value; each end may be absent."""

    lower: float | None
    upper: float | None

    def rows(self, names: list[tuple[str, str]], sides: tuple[str, str], show: tuple[str, str]) -> tuple[Row, ...]:
        """Names of the rows that `limits` states, from (id, label) of each number."""
        bounds = ((self.lower, f"at least {show[0]}"), (self.upper, f"at most {show[1]}"))
        return tuple(
            Row(key, f"{label} is 0 or {words} {side}")
            for bound, words in bounds
            if bound is not None
            for side in sides
            for key, label in names
        )

    def breach(self, values: Vector) -> Vector:
        """Distance of values (..., n) from 0 or the band, 0 inside; (..., rows)."""
        sides = (values, -values)
        low = [np.where(v > HELD, np.maximum((self.lower or 0.0) - v, 0.0), 0.0) for v in sides]
        high = [np.maximum(v - (np.inf if self.upper is None else self.upper), 0.0) for v in sides]
        parts = (*(low if self.lower is not None else ()), *(high if self.upper is not None else ()))
        return np.concatenate([*parts, np.zeros((*values.shape[:-1], 0))], axis=-1)


def gap_limits(
    decision: Decision, sides: Sides, gap: Callable[[Problem], Gap], labels: tuple[str, str]
) -> Iterator[Limit]:
    """State that each number is 0 or has a size inside the band, on the side of its indicator."""
    stated = gap(decision.problem)
    if stated.lower is not None:
        low = decision.parameter(lambda one: gap(one).lower or 0.0, nonnegative=True)
        reach = decision.parameter(lambda one: _largest(decision, one), nonnegative=True)
        lacks = (
            low * sides.above - sides.values - reach * sides.below,
            low * sides.below + sides.values - reach * sides.above,
        )
        yield Limit(cp.hstack(lacks), "<=", 0.0, labels[0])
    if stated.upper is not None:
        high = decision.parameter(lambda one: gap(one).upper or 0.0, nonnegative=True)
        excess = (sides.values - high * sides.above, -sides.values - high * sides.below)
        yield Limit(cp.hstack(excess), "<=", 0.0, labels[1])


def _largest(decision: Decision, problem: Problem) -> float:
    """Bound of every size: what can be reached in the box, or what is presumed."""
    lower, upper = decision.box(problem)
    ends = decision.reach(np.maximum(np.abs(lower), np.abs(upper)))
    return float(ends.max() + np.abs(problem.current_weights).max())


class Banded(Protocol):
    """A band in fractions of value and in money; each of the four ends may be absent."""

    @property
    def lower_fraction(self) -> float | None:
        """Smallest size, fraction of value."""

    @property
    def upper_fraction(self) -> float | None:
        """Largest size, fraction of value."""

    @property
    def lower_amount(self) -> float | None:
        """Smallest size, money."""

    @property
    def upper_amount(self) -> float | None:
        """Largest size, money."""


def band_of(one: Banded, problem: Problem) -> Gap:
    """The tighter of the two lower and of the two upper ends, as fractions of value."""
    lower = _ends(one.lower_fraction, one.lower_amount, problem.value)
    upper = _ends(one.upper_fraction, one.upper_amount, problem.value)
    return Gap(max(lower, default=None), min(upper, default=None))


def band_faults(one: Banded) -> tuple[Fault, ...]:
    """Negative ends, and lower ends above upper ones in the same unit."""
    found = []
    for unit in ("fraction", "amount"):
        lower, upper = getattr(one, f"lower_{unit}"), getattr(one, f"upper_{unit}")
        for end, name in ((lower, "lower"), (upper, "upper")):
            if end is not None and end < 0:
                found.append(Fault(f"/{name}_{unit}", "out-of-range", "a size is 0 or more"))
        if lower is not None and upper is not None and lower > upper:
            detail = f"lower {lower:g} lies above upper {upper:g}; swap them or widen the band"
            found.append(Fault(f"/lower_{unit}", "inconsistent-constraints", detail))
    return tuple(found)


def _ends(fraction: float | None, amount: float | None, value: float) -> list[float]:
    ends = (fraction, None if amount is None else amount / value)
    return [end for end in ends if end is not None]
