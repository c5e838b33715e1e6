"""Prices to simple returns; the one place where missing prices are dealt with.

A day on which any of the instruments lacks a price is dropped; the return after it then spans
the gap. `window` counts returns and ends at the snapshot's date.
"""

import datetime as dt
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, readonly
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Fault, MissingData

Frequency = Literal["daily", "weekly", "monthly"]
LEAST_RETURNS = 2


def returns(
    snapshot: Snapshot,
    ids: tuple[str, ...],
    window: int | None,
    frequency: Frequency,
    pointer: str = "/risk_model/window",
) -> Matrix:
    """Simple returns per period, shape (periods, instruments), oldest first.

    Parameters
    ----------
    pointer : where the window was asked for, for the fault

    Raises
    ------
    MissingData
        when fewer returns exist than `window` asks for, or fewer than two
    """
    history = snapshot.history[:, snapshot.columns(ids)]
    complete = np.isfinite(history).all(axis=1)
    dates, prices = snapshot.dates[complete], history[complete]
    prices = prices[_last_of_period(dates, frequency)]
    changes = prices[1:] / prices[:-1] - 1.0
    wanted = LEAST_RETURNS if window is None else window
    if len(changes) < wanted:
        raise MissingData("history too short", [_short(pointer, wanted, len(changes))])
    return readonly(changes if window is None else changes[-window:])


def _last_of_period(dates: NDArray[np.int64], frequency: Frequency) -> NDArray[np.bool_]:
    if frequency == "daily" or len(dates) == 0:
        return np.ones(len(dates), dtype=bool)
    days = [dt.date.fromordinal(int(day)) for day in dates]
    periods = [day.isocalendar()[:2] if frequency == "weekly" else (day.year, day.month) for day in days]
    return np.array([*(now != later for now, later in pairwise(periods)), True])


def _short(pointer: str, wanted: int, found: int) -> Fault:
    detail = (
        f"{wanted} returns are needed on days when every instrument has a price, but only {found} are there; "
        "load more history, shorten the window, or leave out the instruments with short histories"
    )
    return Fault(pointer, "short-history", detail)
