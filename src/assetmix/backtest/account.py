"""What is held, and how a decision becomes trades at the prices of a session."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Vector
from assetmix.optimization.strategy import Trading
from assetmix.optimization.tolerances import HELD

Mask = NDArray[np.bool_]

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
        value = self.value(prices)
        return np.asarray(self.units * prices / value) if value > 0 else np.zeros(len(prices))


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
    """

    trading: Trading
    impact: Vector | float = 0.0

    @property
    def is_proportional(self) -> bool:
        """Whether a trade costs a fraction of its amount and nothing else."""
        return self.trading.cost_amount == 0 and isinstance(self.impact, float) and self.impact == 0

    def of(self, sizes: Vector, value: float) -> float:
        """Cost of trades of the given sizes (m,), all in fractions of a value."""
        if self.is_proportional:
            return self.trading.cost_fraction * float(sizes.sum())
        return float((self.trading.costs(sizes * value) / value + self.impact * sizes**1.5).sum())

    def slope(self, sizes: Vector) -> Vector | float:
        """About how much more a larger trade costs (m,)."""
        if self.is_proportional:
            return self.trading.cost_fraction
        return np.asarray(self.trading.cost_fraction + 1.5 * self.impact * np.sqrt(sizes))


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """The account after trading, the trades (m,) as fractions of value before, and what they cost in money."""

    account: Account
    trades: Vector
    cost: float


def trade(account: Account, target: Target, prices: Vector, possible: Mask | None, fees: Fees) -> Traded:
    """Trade towards a target at prices (m,), of what is `possible` (m,); None for everything.

    What cannot be traded stays, and so do positions inside the band of their target and those
    whose order would be too small. Where costs or what stays leave less cash than was decided,
    the rest of the portfolio is made smaller in proportion; more cash than that stays cash.
    """
    value = account.value(prices)
    now = account.units * prices / value
    free = possible
    if fees.trading.size_band:
        far = ~fees.trading.is_near(now, target.weights)
        free = far if free is None else free & far
    wanted = _affordable(now, target, free, fees, value)
    if fees.trading.min_order_amount:
        wanted, free = _large_enough(now, target, free, fees, value)
    trades = wanted - now
    cost = fees.of(np.abs(trades), value) * value
    units = wanted * (value / prices) if free is None else _units(account, wanted * value, prices, free)
    return Traded(Account(units, account.cash - float(trades.sum()) * value - cost), trades, cost)


def _units(account: Account, amounts: Vector, prices: Vector, free: Mask) -> Vector:
    """Units (m,) of amounts (m,) of money where trades were free; elsewhere those of before."""
    return np.where(free, np.divide(amounts, prices, out=np.zeros(len(prices)), where=free), account.units)


def paid_out(account: Account, prices: Vector, gone: Mask) -> Account:
    """Turn positions that are gone into cash at their last prices (m,)."""
    if not (gone & (account.units != 0)).any():
        return account
    money = float(account.units[gone] @ prices[gone])
    return Account(np.where(gone, 0.0, account.units), account.cash + money)


def _large_enough(
    now: Vector, target: Target, free: Mask | None, fees: Fees, value: float
) -> tuple[Vector, Mask | None]:
    """Leave out trades below the minimum order, one after the other until none is left."""
    least = fees.trading.min_order_amount / value
    while True:
        wanted = _affordable(now, target, free, fees, value)
        small = np.abs(wanted - now) < least
        small = small if free is None else small & free
        if not small.any():
            return wanted, free
        free = ~small if free is None else free & ~small


def _affordable(now: Vector, target: Target, free: Mask | None, fees: Fees, value: float) -> Vector:
    """Weights (m,) that the trades lead to: the target's, in proportion smaller where cash would not suffice."""
    if target.weights.min() < 0 or now.min() < 0:
        return target.weights if free is None else np.where(free, target.weights, now)  # nothing is made smaller
    wanted, changed, room = target.weights, now, 1.0 - (target.cash if abs(target.cash) > HELD else 0.0)
    if free is not None:
        wanted, changed = np.where(free, wanted, 0.0), np.where(free, now, 0.0)
        room -= float(now[~free].sum())
    total = float(wanted.sum())
    scale, trades = 1.0, wanted - changed
    for _ in range(ROUNDS):
        sizes = np.abs(trades)
        excess = scale * total + fees.of(sizes, value) - room
        if excess <= PRECISION:
            break
        slope = total + float(((wanted * np.sign(trades)) * fees.slope(sizes)).sum())
        scale = max(0.0, scale - excess / slope) if slope > 0 else 0.0
        trades = scale * wanted - changed
    return scale * wanted if free is None else scale * wanted + (now - changed)
