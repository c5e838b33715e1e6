"""What is held, and how a decision becomes trades at the prices of a session."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Vector
from assetmix.optimization.strategy import Trading
from assetmix.optimization.tolerances import HELD

ROUNDS = 50
"""Steps of Newton's method; costs are convex and nearly linear, two or three are usual."""

PRECISION = 1e-15


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """Units (m,) of each instrument and money."""

    units: Vector
    cash: float

    def value(self, prices: Vector) -> float:
        """Worth at prices (m,)."""
        return float(self.units @ prices) + self.cash

    def weights(self, prices: Vector) -> Vector:
        """Weights (m,) at prices (m,)."""
        return np.asarray(self.units * prices / self.value(prices))


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Weights (m,) and cash that were decided, fractions of value before trading."""

    weights: Vector
    cash: float


@dataclass(frozen=True, slots=True, eq=False)
class Fees:
    """What trades cost.

    Parameters
    ----------
    trading : the rules that are charged by
    impact : (m,) cost of a trade z is its rate x |z|^1.5, fractions of value
    band : trades of less than this fraction of the target are not made
    """

    trading: Trading
    impact: Vector | float = 0.0
    band: float = 0.0

    def of(self, sizes: Vector, value: float) -> Vector:
        """Cost (m,) of trades of the given sizes (m,), fractions of a value."""
        return np.asarray(self.trading.costs(sizes * value) / value + self.impact * sizes**1.5)

    def slope(self, sizes: Vector) -> Vector:
        """About how much more a larger trade costs (m,)."""
        return np.asarray(self.trading.cost_fraction + 1.5 * self.impact * np.sqrt(sizes))


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """The account after trading, the trades (m,) as fractions of value before, and what they cost in money."""

    account: Account
    trades: Vector
    cost: float


def trade(account: Account, target: Target, prices: Vector, possible: NDArray[np.bool_], fees: Fees) -> Traded:
    """Trade towards a target at prices (m,).

    What cannot be traded stays, and so do positions inside the band of their target and those
    whose order would be too small. Where costs or what stays leave less cash than was decided,
    the rest of the portfolio is made smaller in proportion; more cash than that stays cash.
    """
    value = account.value(prices)
    now = account.units * prices / value
    free = possible & ~_inside(now, target.weights, fees.band)
    wanted = _affordable(now, target, free, fees, value)
    least = fees.trading.min_order_amount / value
    small = free & (np.abs(wanted - now) < least)
    while small.any():
        free &= ~small
        wanted = _affordable(now, target, free, fees, value)
        small = free & (np.abs(wanted - now) < least)
    trades = np.where(free, wanted - now, 0.0)
    cost = float(fees.of(np.abs(trades), value).sum()) * value
    closed = free & (wanted == 0.0)
    moved = np.divide(trades * value, prices, out=np.zeros_like(prices), where=free & (prices > 0))
    units = np.where(closed, 0.0, account.units + moved)
    return Traded(Account(units, account.cash - float(trades.sum()) * value - cost), trades, cost)


def paid_out(account: Account, prices: Vector, gone: NDArray[np.bool_]) -> Account:
    """Turn positions that are gone into cash at their last prices (m,)."""
    if not (gone & (account.units != 0)).any():
        return account
    money = float(account.units[gone] @ prices[gone])
    return Account(np.where(gone, 0.0, account.units), account.cash + money)


def _inside(now: Vector, target: Vector, band: float) -> NDArray[np.bool_]:
    """Which positions are near enough to their targets; one that is to be closed never is."""
    return (np.abs(now - target) <= band * np.abs(target)) & (target != 0) if band else np.zeros(len(now), dtype=bool)


def _affordable(now: Vector, target: Target, free: NDArray[np.bool_], fees: Fees, value: float) -> Vector:
    """Weights (m,) that the trades lead to: the target's, in proportion smaller where cash would not suffice."""
    if (target.weights < 0).any() or (now < 0).any():
        return np.where(free, target.weights, now)  # short sales raise cash: nothing is to be made smaller
    wanted = np.where(free, target.weights, 0.0)
    room = 1.0 - float(now[~free].sum()) - (target.cash if target.cash > HELD else 0.0)
    scale = 1.0
    for _ in range(ROUNDS):
        sizes = np.abs(np.where(free, scale * wanted - now, 0.0))
        excess = float(scale * wanted.sum() + fees.of(sizes, value).sum()) - room
        if excess <= PRECISION:
            break
        sides = np.where(scale * wanted > now, 1.0, -1.0)
        slope = float((wanted * (1.0 + sides * fees.slope(sizes))).sum())
        scale = max(0.0, scale - excess / slope) if slope > 0 else 0.0
    return np.where(free, scale * wanted, now)
