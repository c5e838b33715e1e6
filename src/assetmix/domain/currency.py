"""Exchange rates: known pairs to any pair, and a snapshot in one currency."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.instrument import Instrument, cash_key
from assetmix.domain.snapshot import RateSeries, Snapshot

FRESH_DAYS = 7
"""Calendar days for which the last known rate serves."""

CENT = 0.01
UNPRICED = frozenset({"volume"})
"""Tables of a snapshot that are not money."""

Days: TypeAlias = NDArray[np.int64]
Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, eq=False)
class RateBook:
    """All known exchange rates, asked for any pair of currencies.

    A pair that is not known itself goes over the fewest known pairs, each of them either way
    round; among equally short ways, over the currencies that come first in the alphabet.
    """

    series: tuple[RateSeries, ...]

    def rates(self, currency: str, base: str, days: Days) -> Vector:
        """Worth of one unit of a currency in the base currency on each day.

        Parameters
        ----------
        days : (T,) ordinals, in any order

        Returns
        -------
        (T,) rates; nan where a rate on the way is unknown or more than seven days old
        """
        way = self._way(currency, base)
        if way is None:
            return np.full(len(days), np.nan)
        result = np.ones(len(days))
        for here, there in pairwise(way):
            result = result * _last_known(self._leg(here, there), days)
        return result

    def _way(self, currency: str, base: str) -> tuple[str, ...] | None:
        """Shortest way; found from the same end whichever way round it is asked for."""
        if currency <= base:
            return self._search(currency, base)
        way = self._search(base, currency)
        return None if way is None else way[::-1]

    def _search(self, start: str, end: str) -> tuple[str, ...] | None:
        ways: dict[str, tuple[str, ...]] = {start: (start,)}
        waiting = deque([start])
        while waiting and end not in ways:
            here = waiting.popleft()
            for neighbor in self._neighbors.get(here, ()):
                if neighbor not in ways:
                    ways[neighbor] = (*ways[here], neighbor)
                    waiting.append(neighbor)
        return ways.get(end)

    @cached_property
    def _neighbors(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for here, there in sorted({way for pair in self._given for way in (pair, pair[::-1])}):
            found.setdefault(here, []).append(there)
        return found

    @cached_property
    def _given(self) -> Mapping[Pair, RateSeries]:
        return {(one.currency, one.quote): one for one in self.series if len(one.dates)}

    def _leg(self, here: str, there: str) -> tuple[Days, Vector]:
        """Rates of a pair given either way round; on a day that has both, the pair's own counts."""
        direct, inverse = self._given.get((here, there)), self._given.get((there, here))
        own = [] if direct is None else [(direct.dates, direct.values)]
        other = [] if inverse is None else [(inverse.dates, 1.0 / inverse.values)]
        dates, values = (np.concatenate(parts) for parts in zip(*own, *other, strict=True))
        days, first = np.unique(dates, return_index=True)
        return days, values[first]


def converted(snapshot: Snapshot, base_currency: str, held_currencies: Iterable[str] = ()) -> Snapshot:
    """Give a snapshot whose prices are all in the base currency, with foreign cash as instruments.

    Closes are taken at the rate of the snapshot's day, histories at the rate of each day; without
    a rate that is fresh enough a price is missing. Instruments of the result are quoted in the
    base currency, so that converting it again changes nothing.

    Parameters
    ----------
    held_currencies : codes of the currencies held as cash; each foreign one becomes the
        instrument `$CODE`, whose price is its rate

    Returns
    -------
    the same object when nothing is to be converted
    """
    foreign = sorted(
        {code for code in held_currencies if code != base_currency and cash_key(code) not in snapshot.by_id}
    )
    if not foreign and all(one.currency == base_currency for one in snapshot.instruments):
        return snapshot
    by_currency = _rates(snapshot, base_currency, foreign)
    quoted = _columns(by_currency, [one.currency for one in snapshot.instruments])
    cash = _columns(by_currency, foreign)
    instruments = tuple(replace(one, currency=base_currency) for one in snapshot.instruments)
    return replace(
        snapshot,
        instruments=(*instruments, *(_cash_instrument(code, base_currency) for code in foreign)),
        closes=readonly(np.concatenate([snapshot.closes * quoted[-1], cash[-1]])),
        history=readonly(np.hstack([snapshot.history * quoted[:-1], cash[:-1]])),
        extras={name: _table(name, table, quoted[:-1], cash[:-1]) for name, table in snapshot.extras.items()},
    )


def _rates(snapshot: Snapshot, base: str, foreign: list[str]) -> dict[str, Vector]:
    """Rates (T + 1,) by currency: on each day of the history, and last on the snapshot's own."""
    book = RateBook(snapshot.rates)
    days = np.append(snapshot.dates, snapshot.as_of.toordinal())
    currencies = {one.currency for one in snapshot.instruments} | set(foreign)
    return {code: book.rates(code, base, days) for code in sorted(currencies)}


def _columns(by_currency: Mapping[str, Vector], codes: list[str]) -> Matrix:
    """Rates (T + 1, k) of the currencies named, one a column."""
    periods = len(next(iter(by_currency.values())))
    return np.array([by_currency[code] for code in codes]).reshape(len(codes), periods).T


def _table(name: str, table: Matrix, quoted: Matrix, cash: Matrix) -> Matrix:
    if name in UNPRICED:
        return readonly(np.hstack([table, np.full(cash.shape, np.nan)]))
    return readonly(np.hstack([table * quoted, cash]))


def _cash_instrument(code: str, base: str) -> Instrument:
    return Instrument(id=cash_key(code), currency=base, name=f"{code} cash", kind="cash", fractional_step=CENT)


def _last_known(known: tuple[Days, Vector], days: Days) -> Vector:
    dates, values = known
    place = np.searchsorted(dates, days, side="right") - 1
    found = np.maximum(place, 0)
    fresh = (place >= 0) & (days - dates[found] <= FRESH_DAYS)
    return np.where(fresh, values[found], np.nan)
