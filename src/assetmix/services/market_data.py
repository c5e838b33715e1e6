"""Instruments, prices and exchange rates: stored, looked up, listed."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from assetmix.domain.instrument import Instrument, is_cash
from assetmix.errors import Fault, InvalidPrice, InvalidRequest, LimitExceeded, NotFound, UnknownAsset
from assetmix.marketdata.csv_source import PriceRow
from assetmix.optimization.check import MOST_FAULTS
from assetmix.persistence import instruments, prices, rates
from assetmix.persistence.instruments import Change
from assetmix.persistence.journal import note
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House, entry
from assetmix.services.names import LONGEST, currency_faults, is_printable

MOST_INSTRUMENTS = 10_000
MOST_ROWS = 2_000_000
MOST_MARKS = 200
"""Groups, attributes and tags of one instrument, each."""

UPLOAD_SECONDS = 120.0
SMALLEST, LARGEST = 1e-12, 1e15
FIRST_DAY, LAST_DAY = dt.date(1800, 1, 1), dt.date(2200, 12, 31)
FIGURES = ("close", "adjusted_close", "open", "high", "low")
PLAIN: Final = 8
"""Members of a price row without a quote."""

CLOSES_ONLY = "exchange rates are kept as closes; their other figures are left out"


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
    if len(given) > MOST_INSTRUMENTS:
        detail = f"at most {MOST_INSTRUMENTS} instruments in one request, not {len(given)}"
        raise LimitExceeded(detail, [Fault("/instruments", "limit-exceeded", detail)])
    if faults:
        error = LimitExceeded if faults[0].code == "limit-exceeded" else InvalidRequest
        raise error("some instruments cannot be stored", faults[:MOST_FAULTS])
    async with house.database.transaction(caller.tenant_id, UPLOAD_SECONDS) as connection:
        await instruments.lock_market_data(connection, caller.tenant_id)
        change = await instruments.put_instruments(connection, caller.tenant_id, given)
        await note(connection, caller.tenant_id, entry(caller, "instruments.put", f"{len(given)} instruments"))
    return change


async def get_instrument(house: House, caller: Caller, instrument: str) -> Instrument:
    """Give one instrument.

    Raises
    ------
    NotFound
        when there is none of that id
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await instruments.get_instruments(connection, caller.tenant_id, [instrument])
    if not found:
        raise NotFound("no such instrument")
    return found[0].instrument


async def common_currency(house: House, caller: Caller, ids: Sequence[str]) -> str | None:
    """Give the currency in which most of the instruments are quoted; None where none of them is known."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await instruments.common_currency(connection, caller.tenant_id, ids)


async def list_instruments(house: House, caller: Caller, after: str, limit: int) -> list[Instrument]:
    """Give instruments after an id, by id."""
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await instruments.list_instruments(connection, caller.tenant_id, after, limit)
    return [one.instrument for one in found]


async def put_prices(house: House, caller: Caller, rows: Sequence[PriceRow], *, dry_run: bool) -> PricesWritten:
    """Insert or replace prices and exchange rates, all of them or none.

    Raises
    ------
    InvalidPrice
        when a price is zero, negative or not finite, or an exchange rate is not one
    UnknownAsset
        when an instrument was never loaded
    """
    warnings = await asyncio.to_thread(_check_rows, rows)
    async with house.database.transaction(caller.tenant_id, UPLOAD_SECONDS) as connection:
        await instruments.lock_market_data(connection, caller.tenant_id)
        await _require_known(connection, caller, rows)
        if dry_run:
            return PricesWritten(len(rows), 0, 0, warnings)
        inserted, updated = await _write(connection, caller, rows)
        await note(connection, caller.tenant_id, entry(caller, "prices.put", f"{len(rows)} rows"))
    return PricesWritten(len(rows), inserted, updated, warnings)


async def get_prices(
    house: House, caller: Caller, instrument: str, between: tuple[dt.date, dt.date], limit: int
) -> list[dict[str, object]]:
    """Give stored prices of one instrument, or rates of one currency, between two days, oldest first."""
    if is_cash(instrument):
        return await _get_rates(house, caller, instrument.removeprefix("$"), between, limit)
    await get_instrument(house, caller, instrument)
    async with house.database.transaction(caller.tenant_id) as connection:
        return await prices.get_prices(connection, caller.tenant_id, instrument, between, limit)


async def _get_rates(
    house: House, caller: Caller, currency: str, between: tuple[dt.date, dt.date], limit: int
) -> list[dict[str, object]]:
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await rates.get_rates(connection, caller.tenant_id, currency, between, limit)
        if not found and not await rates.has_rates(connection, caller.tenant_id, currency):
            raise NotFound("no exchange rates of this currency")
    return found


async def _require_known(connection: Connection, caller: Caller, rows: Sequence[PriceRow]) -> None:
    wanted = sorted({row[0] for row in rows if not is_cash(row[0])})
    known = await instruments.get_revisions(connection, caller.tenant_id, wanted, ())
    faults = [Fault("/prices", "unknown-asset", f"no instrument {key}") for key in wanted if key not in known]
    if faults:
        raise UnknownAsset("prices of instruments that were never loaded; PUT /v1/instruments first", faults[:20])


async def _write(connection: Connection, caller: Caller, rows: Sequence[PriceRow]) -> tuple[int, int]:
    quoted = [(row[0].removeprefix("$"), row[8], row[1], row[2]) for row in rows if len(row) != PLAIN]
    plain = [row for row in rows if len(row) == PLAIN]
    inserted, updated = await rates.put_rates(connection, caller.tenant_id, quoted) if quoted else (0, 0)
    if not plain:
        return inserted, updated
    written = await prices.put_prices(connection, caller.tenant_id, plain)
    if written.instruments:
        await instruments.touch_prices(connection, caller.tenant_id, sorted(written.instruments))
    return inserted + written.inserted, updated + written.updated


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
    faults += [
        Fault(f"{pointer}/{name}", "limit-exceeded", f"at most {MOST_MARKS} of an instrument")
        for name, count in _marks(one).items()
        if count > MOST_MARKS
    ]
    return faults


def _marks(one: Instrument) -> dict[str, int]:
    return {"look_through": one.group_count, "attributes": len(one.attributes), "tags": len(one.tags)}


def _check_rows(rows: Sequence[PriceRow]) -> tuple[str, ...]:
    """Refuse rows that cannot be stored; gives what the caller should know about the others."""
    if len(rows) > MOST_ROWS:
        detail = f"at most {MOST_ROWS} price rows in one request, not {len(rows)}"
        raise LimitExceeded(detail, [Fault("/prices", "limit-exceeded", detail)])
    faults = [fault for i, row in enumerate(rows) for fault in _row_faults(f"/prices/{i}", row)]
    if len({row[:2] + row[PLAIN:] for row in rows}) < len(rows):
        faults.append(Fault("/prices", "duplicate", "an instrument has two prices on one day; give each day once"))
    if faults:
        raise InvalidPrice("some prices cannot be stored", faults[:MOST_FAULTS])
    return (CLOSES_ONLY,) if any(len(row) != PLAIN and row[3:PLAIN] != (None,) * 5 for row in rows) else ()


def _row_faults(pointer: str, row: PriceRow) -> list[Fault]:
    faults = []
    for name, figure in zip(FIGURES, row[2:7], strict=True):
        if figure is not None and not SMALLEST <= figure <= LARGEST:
            detail = f"{name} is a price above 0, between {SMALLEST:g} and {LARGEST:g}"
            faults.append(Fault(f"{pointer}/{name}", "invalid-price", detail))
    if row[7] is not None and not 0 <= row[7] <= LARGEST:
        faults.append(Fault(f"{pointer}/volume", "invalid-price", "volume is a number of units, 0 or more"))
    if not FIRST_DAY <= row[1] <= LAST_DAY:
        faults.append(Fault(f"{pointer}/date", "out-of-range", f"a date lies between {FIRST_DAY} and {LAST_DAY}"))
    if len(row) != PLAIN or is_cash(row[0]):
        faults.extend(_quote_faults(pointer, row))
    return faults


def _quote_faults(pointer: str, row: PriceRow) -> Iterator[Fault]:
    if len(row) == PLAIN:
        detail = 'an exchange rate says in which currency it is: {"instrument": "$EUR", "quote": "USD", …}'
        yield Fault(f"{pointer}/quote", "missing-quote", detail)
        return
    if not is_cash(row[0]):
        detail = "only exchange rates have a quote; a price is in the currency of its instrument"
        yield Fault(f"{pointer}/quote", "unexpected-quote", detail)
        return
    yield from currency_faults(row[0].removeprefix("$"), f"{pointer}/instrument")
    yield from currency_faults(row[8], f"{pointer}/quote")
    if row[0] == f"${row[8]}":
        yield Fault(f"{pointer}/quote", "unexpected-quote", "a currency is not quoted in itself")
