"""Which sessions the strategy decides at."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from assetmix.backtest.spec import Kind, Schedule

Sessions = NDArray[np.int64]
"""Ordinals of days, oldest first."""

EPOCH = dt.date(1970, 1, 1).toordinal()


def planned(schedule: Schedule, days: Sessions) -> Sessions:
    """Places among the sessions of a backtest at which it decides, the first always; `drift` is not planned.

    Parameters
    ----------
    days : (T,) ordinals of the sessions
    """
    places = np.arange(len(days))
    match schedule.kind:
        case "never" | "drift":
            chosen = places[:1]
        case "daily":
            chosen = places
        case "sessions":
            chosen = places[:: schedule.every or 1]
        case kind:
            chosen = places[_at_the_edges(_periods(days, kind), last=schedule.on == "last")]
    return np.union1d(chosen, places[:1])


def _at_the_edges(periods: Sessions, *, last: bool) -> NDArray[np.bool_]:
    """Which sessions are the first, or the last, of their period; the last period has not ended yet."""
    changes = periods[1:] != periods[:-1]
    return np.concatenate([changes, [False]]) if last else np.concatenate([[True], changes])


def _periods(days: Sessions, kind: Kind) -> Sessions:
    """Number of the calendar period that each session lies in."""
    if kind == "weekly":
        return (days - 1) // 7  # the first of January of the year 1, ordinal 1, was a Monday
    return months_of(days) // {"monthly": 1, "quarterly": 3, "annually": 12}[kind]


def months_of(days: Sessions) -> Sessions:
    """Number of the month that each session lies in, twelve a year, January of the year 0 first."""
    since = (days - EPOCH).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(since + 12 * 1970)
