"""A price or an exchange rate, as every source gives it."""

import datetime as dt
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

Row: TypeAlias = tuple[str, dt.date, float, float | None, float | None, float | None, float | None, float | None]
"""instrument, date, close, adjusted close, open, high, low, volume."""

RateRow: TypeAlias = tuple[
    str, dt.date, float, float | None, float | None, float | None, float | None, float | None, str
]
"""The same for an exchange rate, `$EUR` in place of an instrument, and the currency that it is quoted in."""

PriceRow: TypeAlias = Row | RateRow

MOST_ROWS = 2_000_000
MOST_COLUMNS = 10_001
"""Of one table."""

BATCH = 10_000
"""Rows that a source gives at a time."""


@dataclass(frozen=True, slots=True)
class Source:
    """Batches of rows, and how to have a reader that is waited for no longer end soon."""

    batches: Generator[list[PriceRow], None, None]
    stop: Callable[[], None] = lambda: None
