"""What a backtest is asked to do."""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from assetmix.errors import Fault
from assetmix.optimization.strategy import Impact, Trading

MOST_EVERY = 10_000
"""Sessions that may lie between two decisions."""

MOST_DIVIDENDS = 100_000
HIGHEST_RATE = 1.0

Kind = Literal["never", "daily", "weekly", "monthly", "quarterly", "annually", "drift", "sessions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When the strategy decides: always at the first session of the backtest, and then as the kind says.

    `weekly` to `annually`: at the `first` or `last` session of each calendar period. `drift`: at
    a session at whose close the weight of anything held is further than `band` from what was
    decided last, both fractions of value. `sessions`: at every so many sessions.
    """

    kind: Kind = "monthly"
    on: Literal["first", "last"] = "first"
    band: float | None = None
    every: int | None = None

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the schedule; pointers relative to it."""
        if self.kind == "drift" and not (self.band is not None and 0.0 < self.band <= 1.0):
            yield Fault("/band", "out-of-range", 'a "drift" schedule needs a band above 0, at most 1; for example 0.05')
        if self.kind == "sessions" and not (self.every is not None and 1 <= self.every <= MOST_EVERY):
            detail = f'a "sessions" schedule needs a number of sessions from 1 to {MOST_EVERY} in every'
            yield Fault("/every", "out-of-range", detail)
        if self.kind != "drift" and self.band is not None:
            yield Fault("/band", "inconsistent-schedule", 'only a "drift" schedule has a band; leave it out')
        if self.kind != "sessions" and self.every is not None:
            yield Fault("/every", "inconsistent-schedule", 'only a "sessions" schedule has every; leave it out')


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """What orders cost in the simulation, whatever the strategy presumes; as in a strategy's trading."""

    cost_fraction: float = 0.0
    cost_amount: float = 0.0
    combine: Literal["max", "sum"] = "sum"
    impact_coefficient: float = 0.0

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the charges; pointers relative to them."""
        bounds = {"cost_fraction": 0.5, "cost_amount": 1e9, "impact_coefficient": 1e3}
        for name, most in bounds.items():
            value = getattr(self, name)
            if not 0.0 <= value <= most:
                yield Fault(f"/{name}", "out-of-range", f"{name} lies between 0 and {most:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dividend:
    """Money a unit, in the instrument's currency, that is paid to whoever holds it at the close before `ex_date`."""

    instrument: str
    ex_date: dt.date
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSpec:
    """What a backtest is asked to do.

    Decisions are made at the close of a session with what is known then; orders are executed at
    the close of the next session, or of the same. `prices` says whether positions are valued at
    adjusted closes, in which dividends are contained, or at closes as they were quoted, with the
    `dividends` that are given. With a `calendar` (an exchange's MIC) only its sessions count,
    else every day on which anything has a price. Cash earns `cash_rate` a year (act/365); a debt costs it. What has
    had no price for `delisted_after` sessions is paid out at its last price at the next decision.
    Without `charges` orders cost what the strategy presumes; without a `size_band` positions are
    left alone inside that of the strategy.
    """

    start: dt.date
    end: dt.date
    schedule: Schedule = field(default_factory=Schedule)
    execution: Literal["next_close", "same_close"] = "next_close"
    charges: Charges | None = None
    cash_rate: float = 0.0
    prices: Literal["adjusted", "close"] = "adjusted"
    dividends: tuple[Dividend, ...] = ()
    size_band: float | None = None
    delisted_after: int = 10
    calendar: str | None = None

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with it whatever it is applied to."""
        return (
            *self._order(),
            *_under("/schedule", self.schedule.faults()),
            *_under("/charges", () if self.charges is None else self.charges.faults()),
            *self._numbers(),
            *self._dividends(),
        )

    def trading(self, presumed: Trading) -> Trading:
        """Trading rules that the simulation charges by, given those of the strategy."""
        band = presumed.size_band if self.size_band is None else self.size_band
        if self.charges is None:
            return replace(presumed, size_band=band)
        rate = self.charges.impact_coefficient
        return Trading(
            cost_fraction=self.charges.cost_fraction,
            cost_amount=self.charges.cost_amount,
            combine=self.charges.combine,
            impact=Impact(coefficient=rate) if rate else None,
            min_order_amount=presumed.min_order_amount,
            size_band=band,
        )

    def _order(self) -> Iterator[Fault]:
        if self.start >= self.end:
            detail = f"the backtest ends on {self.end}, not after {self.start}, where it begins; swap the dates"
            yield Fault("/to", "dates-reversed", detail)

    def _numbers(self) -> Iterator[Fault]:
        if not -HIGHEST_RATE < self.cash_rate <= HIGHEST_RATE:
            yield Fault("/cash_rate", "out-of-range", "cash_rate lies above -1 and is at most 1; 0.02 is 2 % a year")
        if self.size_band is not None and not 0.0 <= self.size_band <= 1.0:
            yield Fault("/size_band", "out-of-range", "size_band lies between 0 and 1; 0.05 is 5 % of the target")
        if not 1 <= self.delisted_after <= MOST_EVERY:
            yield Fault("/delisted_after", "out-of-range", f"delisted_after lies between 1 and {MOST_EVERY} sessions")

    def _dividends(self) -> Iterator[Fault]:
        if self.dividends and self.prices == "adjusted":
            detail = 'adjusted prices contain the dividends already; say "prices": "close", or leave them out'
            yield Fault("/dividends", "inconsistent-dividends", detail)
        if len(self.dividends) > MOST_DIVIDENDS:
            yield Fault("/dividends", "limit-exceeded", f"at most {MOST_DIVIDENDS} dividends")
        for i, one in enumerate(self.dividends):
            if not (math.isfinite(one.amount) and one.amount >= 0):
                yield Fault(f"/dividends/{i}/amount", "out-of-range", "a dividend is not negative")


def _under(pointer: str, faults: Iterator[Fault] | tuple[Fault, ...]) -> Iterator[Fault]:
    return (Fault(f"{pointer}{one.pointer}", one.code, one.detail) for one in faults)
