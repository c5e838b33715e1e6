"""The best weights of small problems with counts, gaps and fees, by trying every choice in turn.

Each weight is fixed, or free on an interval on which its cost is a straight line. For one choice
for every instrument the optimum over the free ones is a linear system; the best of all those that
stay inside their intervals is the optimum, since at the true one some choice describes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

INSIDE = 1e-9
"""Distance outside an interval that is rounding noise of a linear system."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A weight between `low` and `high`, fixed where they are equal, at a cost of rate x weight + fee."""

    low: float
    high: float
    rate: float = 0.0
    fee: float = 0.0
    held: int = 1
    traded: int = 1


Allowed = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Which rows of held (N, n) and traded (N, n) keep the counts: (N,) true or false."""


def anything(held: np.ndarray, traded: np.ndarray) -> np.ndarray:
    """No counts."""
    return np.ones(len(held), dtype=bool)


def ends(low: float, high: float, rate: float = 0.0, fee: float = 0.0) -> tuple[Choice, ...]:
    """Everything inside an interval, and its two ends."""
    return tuple(Choice(a, b, rate, fee) for a, b in ((low, high), (low, low), (high, high)))


ABSENT = Choice(0.0, 0.0, held=0)


def kept(weight: float) -> Choice:
    """No trade."""
    return Choice(weight, weight, held=int(weight != 0), traded=0)


def least(
    quadratic: np.ndarray,
    linear: np.ndarray,
    choices: Sequence[Sequence[Choice]],
    allowed: Allowed = anything,
    cash: float | None = 0.0,
) -> tuple[float, np.ndarray]:
    """Least w'Qw - l'w with weights, costs and cash that sum to 1; cash None for any that is not negative.

    Returns
    -------
    value, and weights (n,); infinity where no choice is possible
    """
    grid = np.stack(np.meshgrid(*[np.arange(len(one)) for one in choices], indexing="ij"), -1).reshape(-1, len(choices))
    tables = {
        name: np.stack(
            [np.array([getattr(c, name) for c in one], dtype=float)[grid[:, i]] for i, one in enumerate(choices)], 1
        )
        for name in Choice.__slots__
    }
    keep = allowed(tables["held"], tables["traded"])
    if not keep.any():
        return np.inf, np.zeros(len(choices))
    tables = {name: one[keep] for name, one in tables.items()}
    found = [_solved(quadratic, linear, tables, cash)] if cash is not None else []
    if cash is None:
        found = [_solved(quadratic, linear, tables, 0.0), _solved(quadratic, linear, tables, None)]
    return min(found, key=lambda one: one[0])


def _solved(
    quadratic: np.ndarray, linear: np.ndarray, tables: dict[str, np.ndarray], cash: float | None
) -> tuple[float, np.ndarray]:
    """Best of many choices at once: rows of linear systems in the weights and the price of the balance."""
    rates, right = 1.0 + tables["rate"], 1.0 - tables["fee"].sum(axis=1)
    fixed = tables["low"] == tables["high"]
    count, size = fixed.shape
    systems = np.zeros((count, size + 1, size + 1))
    values = np.zeros((count, size + 1))
    systems[:, :size, :size] = np.where(fixed[:, :, None], np.eye(size), 2.0 * quadratic)
    systems[:, :size, size] = np.where(fixed, 0.0, -rates)
    values[:, :size] = np.where(fixed, tables["low"], linear)
    priceless = fixed.all(axis=1) | (cash is None)
    systems[:, size, :size] = np.where(priceless[:, None], 0.0, rates)
    systems[:, size, size] = priceless
    values[:, size] = np.where(priceless, 0.0, right - (cash or 0.0))
    weights = np.linalg.solve(systems, values[:, :, None])[:, :size, 0]
    left = right - (rates * weights).sum(axis=1)
    balanced = left >= -INSIDE if cash is None else np.abs(left - cash) <= INSIDE
    inside = ((weights >= tables["low"] - INSIDE) & (weights <= tables["high"] + INSIDE)).all(axis=1) & balanced
    sizes = np.einsum("ni,ij,nj->n", weights, quadratic, weights) - weights @ linear
    sizes = np.where(inside, sizes, np.inf)
    best = int(sizes.argmin())
    return float(sizes[best]), weights[best]
