"""Instruments and prices: stored, looked up, listed."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from assetmix.domain.instrument import Instrument, is_cash
from assetmix.errors import Fault, InvalidPrice, InvalidRequest, LimitExceeded, NotFound, UnknownAsset
from assetmix.optimization.check import MOST_FAULTS
from assetmix.persistence import instruments, prices
from assetmix.persistence.instruments import Change
from assetmix.persistence.prices import Row
from assetmix.services.context import Caller, House
from assetmix.services.names import LONGEST, currency_faults, is_printable

MOST_INSTRUMENTS = 10_000
MOST_ROWS = 2_000_000
SMALLEST, LARGEST = 1e-12, 1e15
FIRST_DAY, LAST_DAY = dt.date(1800, 1, 1), dt.date(2200, 12, 31)
FIGURES = ("close", "adjusted_close", "open", "high", "low")


@dataclass(frozen=True, slots=True)
class PricesWritten:
    """What a price upload did, or would do."""

    rows: int
    inserted: int
    updated: int
    warnings: tuple[str, ...]


async def put_instruments(house: House, caller: Caller, given: Sequence[Instrument]) -> Change:
    """Create or replace instruments, all of them or none."""
    faults = [fault for i, one in enumerate(given) for fault in _instrument_faults(f"/instruments/{i}", one)]
    ids = [one.id for one in given]
    if len(set(ids)) < len(ids):
        faults.append(Fault("/instruments", "duplicate", "an instrument is given twice; give each once"))
    if faults:
        raise InvalidRequest("some instruments cannot be stored", faults[:MOST_FAULTS])
    if len(given) > MOST_INSTRUMENTS:
        raise LimitExceeded(f"at most {MOST_INSTRUMENTS} instruments in one request")
    async with house.database.transaction() as connection:
        await instruments.lock_market_data(connection, caller.tenant_id)
        return await instruments.put_instruments(connection, caller.tenant_id, given)


async def get_instrument(house: House, caller: Caller, instrument: str) -> Instrument:
    """Give one instrument.

    Raises
    ------
    NotFound
        when there is none of that id
    """
    async with house.database.transaction() as connection:
        found = await instruments.get_instruments(connection, caller.tenant_id, [instrument])
    if not found:
        raise NotFound("no such instrument")
    return found[0].instrument


async def list_instruments(house: House, caller: Caller, after: str, limit: int) -> list[Instrument]:
    """Give instruments after an id, by id."""
    async with house.database.transaction() as connection:
        found = await instruments.list_instruments(connection, caller.tenant_id, after, limit)
    return [one.instrument for one in found]


async def put_prices(house: House, caller: Caller, rows: Sequence[Row], *, dry_run: bool) -> PricesWritten:
    """Insert or replace prices, all of them or none.

    Raises
    ------
    InvalidPrice
        when a price is zero, negative or not finite
    UnknownAsset
        when an instrument was never loaded
    """
    await asyncio.to_thread(_check_rows, rows)
    async with house.database.transaction() as connection:
        await instruments.lock_market_data(connection, caller.tenant_id)
        wanted = sorted({row[0] for row in rows})
        known = await instruments.get_revisions(connection, caller.tenant_id, wanted, ())
        faults = [Fault("/prices", "unknown-asset", f"no instrument {key}") for key in wanted if key not in known]
        if faults:
            raise UnknownAsset("prices of instruments that were never loaded; PUT /v1/instruments first", faults[:20])
        if dry_run:
            return PricesWritten(len(rows), 0, 0, ())
        written = await prices.put_prices(connection, caller.tenant_id, rows)
        if written.instruments:
            await instruments.touch_prices(connection, caller.tenant_id, sorted(written.instruments))
    return PricesWritten(len(rows), written.inserted, written.updated, ())


async def get_prices(
    house: House, caller: Caller, instrument: str, between: tuple[dt.date, dt.date], limit: int
) -> list[dict[str, object]]:
    """Give stored prices of one instrument between two days, oldest first."""
    await get_instrument(house, caller, instrument)
    async with house.database.transaction() as connection:
        return await prices.get_prices(connection, caller.tenant_id, instrument, between, limit)


def _instrument_faults(pointer: str, one: Instrument) -> list[Fault]:
    faults = currency_faults(one.currency, f"{pointer}/currency")
    if not one.id or is_cash(one.id) or "/" in one.id or len(one.id) > LONGEST or not is_printable(one.id):
        detail = f"an id has 1 to {LONGEST} visible characters, no / and does not begin with $"
        faults.append(Fault(f"{pointer}/id", "invalid-id", detail))
    for name in ("lot", "fractional_step"):
        figure = getattr(one, name)
        if figure is not None and not SMALLEST <= figure <= LARGEST:
            faults.append(
                Fault(f"{pointer}/{name}", "out-of-range", f"{name} lies between {SMALLEST:g} and {LARGEST:g}")
            )
    return faults


def _check_rows(rows: Sequence[Row]) -> None:
    if len(rows) > MOST_ROWS:
        raise LimitExceeded(f"at most {MOST_ROWS} price rows in one request")
    faults = [fault for i, row in enumerate(rows) for fault in _row_faults(f"/prices/{i}", row)]
    if len({row[:2] for row in rows}) < len(rows):
        faults.append(Fault("/prices", "duplicate", "an instrument has two prices on one day; give each day once"))
    if faults:
        raise InvalidPrice("some prices cannot be stored", faults[:MOST_FAULTS])


def _row_faults(pointer: str, row: Row) -> list[Fault]:
    faults = []
    for name, figure in zip(FIGURES, row[2:7], strict=True):
        if figure is not None and not SMALLEST <= figure <= LARGEST:
            detail = f"{name} is a price above 0, between {SMALLEST:g} and {LARGEST:g}"
            faults.append(Fault(f"{pointer}/{name}", "invalid-price", detail))
    if row[7] is not None and not 0 <= row[7] <= LARGEST:
        faults.append(Fault(f"{pointer}/volume", "invalid-price", "volume is a number of units, 0 or more"))
    if not FIRST_DAY <= row[1] <= LAST_DAY:
        faults.append(Fault(f"{pointer}/date", "out-of-range", f"a date lies between {FIRST_DAY} and {LAST_DAY}"))
    return faults
