"""The one door to the calendars of exchanges, which are loaded when a backtest first names one."""

import datetime as dt
import warnings
from functools import lru_cache
from importlib import import_module

import numpy as np

from assetmix.backtest.schedule import EPOCH, Sessions
from assetmix.errors import Fault, InvalidRequest

POINTER = "/calendar"
KEPT = 32


@lru_cache(maxsize=KEPT)
def sessions_of(code: str, start: dt.date, end: dt.date) -> Sessions:
    """Ordinals of an exchange's sessions from one day to another.

    Raises
    ------
    InvalidRequest
        when there is no such calendar, or it does not reach so far back
    """
    library = import_module("exchange_calendars")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it asks of pandas that will change
            calendar = library.get_calendar(code, start=start.isoformat(), end=end.isoformat())
    except library.errors.InvalidCalendarName:
        detail = f"there is no calendar {code}; name an exchange by its MIC, for example XNYS, or leave it out"
        raise InvalidRequest(detail, [Fault(POINTER, "unknown-calendar", detail)]) from None
    except (ValueError, library.errors.NoSessionsError):
        detail = f"the calendar {code} does not reach from {start} to {end}; begin later, or leave it out"
        raise InvalidRequest(detail, [Fault(POINTER, "out-of-range", detail)]) from None
    days = calendar.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.asarray(days + EPOCH)
