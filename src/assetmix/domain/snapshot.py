"""What was known at one time about a set of instruments."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.instrument import Instrument
from assetmix.domain.universe import Universe


@dataclass(frozen=True, eq=False)
class RateSeries:
    """Exchange rates: one unit of `currency` was worth `values` units of `quote` on `dates`.

    Parameters
    ----------
    dates : (T,) ordinals of days, oldest first
    values : (T,) rates, positive
    """

    currency: str
    quote: str
    dates: NDArray[np.int64]
    values: Vector


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Instruments with their latest prices and their price history, known at `as_of`.

    Parameters
    ----------
    as_of : last day whose prices are in it
    instruments : the m instruments, in the order of every array
    closes : (m,) last close at or before `as_of`, money per unit; nan where there is none
    dates : (T,) ordinals of the days of the history, oldest first
    history : (T, m) adjusted closes, else closes; nan where a day has no price
    extras : further tables (T, m) that a strategy asked for: `open`, `high`, `low`, `close`, `volume`
    rates : exchange rates of the currencies concerned
    """

    as_of: dt.date
    instruments: tuple[Instrument, ...]
    closes: Vector
    dates: NDArray[np.int64]
    history: Matrix
    extras: Mapping[str, Matrix] = field(default_factory=dict)
    rates: tuple[RateSeries, ...] = ()

    @cached_property
    def universe(self) -> Universe:
        """Ids of all instruments in it."""
        return Universe(tuple(instrument.id for instrument in self.instruments))

    @cached_property
    def by_id(self) -> Mapping[str, Instrument]:
        """Instruments by id."""
        return {instrument.id: instrument for instrument in self.instruments}

    @cached_property
    def prices(self) -> Mapping[str, float]:
        """Close of every instrument that has one."""
        pairs = zip(self.universe.ids, self.closes, strict=True)
        return {key: float(close) for key, close in pairs if np.isfinite(close)}

    @cached_property
    def price_days(self) -> NDArray[np.int64]:
        """(m,) ordinal of the day of each instrument's last price; 0 where the history holds none."""
        days: NDArray[np.int64] = np.where(np.isfinite(self.history), self.dates[:, None], 0).max(axis=0, initial=0)
        return days

    def columns(self, ids: tuple[str, ...]) -> list[int]:
        """Positions of the given ids."""
        return [self.universe.positions[key] for key in ids]
