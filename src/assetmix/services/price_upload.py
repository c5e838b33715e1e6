"""Prices and exchange rates as they come: batch after batch, all of them stored or none."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from assetmix.domain.instrument import is_cash
from assetmix.domain.isin import is_misprinted_isin
from assetmix.errors import Fault, InvalidPrice, LimitExceeded, UnknownAsset
from assetmix.marketdata.rows import MOST_ROWS, PriceRow, Source
from assetmix.optimization.check import MOST_FAULTS
from assetmix.persistence import instruments, prices, rates, uploads
from assetmix.persistence.bulk import Incoming
from assetmix.persistence.instruments import Concerned
from assetmix.persistence.journal import note
from assetmix.persistence.session import Connection
from assetmix.persistence.uploads import Some
from assetmix.services.context import Caller, House, entry
from assetmix.services.market_data import LARGEST, SMALLEST
from assetmix.services.names import currency_faults

MOST_RATES = 200_000
UPLOAD_SECONDS = 300.0
AT_ONCE = 3
"""Uploads that are read at the same time: each takes a thread and a connection, of which others need some too."""

ROOM = asyncio.Semaphore(AT_ONCE)
"""To be held from before a body is read until it is stored."""

_READERS = ThreadPoolExecutor(AT_ONCE, "upload")

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


@dataclass(slots=True)
class _Seen:
    """What has come so far; prices go on to the database, exchange rates are few and wait here."""

    rows: int = 0
    faults: list[Fault] = field(default_factory=list)
    rates: dict[tuple[str, str, dt.date], float] = field(default_factory=dict)
    repeated: list[tuple[str, object]] = field(default_factory=list)
    """Exchange rates that were given twice."""

    warnings: list[str] = field(default_factory=list)

    def check(self, batch: Sequence[PriceRow]) -> list[PriceRow]:
        """Refuse rows that cannot be stored; gives those that are prices of instruments."""
        for place, row in enumerate(batch, self.rows):
            if len(self.faults) >= MOST_FAULTS:
                break
            self.faults.extend(row_faults(f"/prices/{place}", row))
        self.rows += len(batch)
        if self.rows > MOST_ROWS:
            detail = f"at most {MOST_ROWS} price rows in one request"
            raise LimitExceeded(detail, [Fault("/prices", "limit-exceeded", detail)])
        return [row for row in batch if not self._is_rate(row)]

    def quoted(self) -> list[tuple[str, str, dt.date, float]]:
        """Exchange rates as rows."""
        return [(*key, rate) for key, rate in self.rates.items()]

    def _is_rate(self, row: PriceRow) -> bool:
        if len(row) == PLAIN:
            return False
        key = (row[0].removeprefix("$"), row[8], row[1])
        if key in self.rates:
            self.repeated.append((f"{row[0]} in {row[8]}", row[1]))
        self.rates[key] = row[2]
        if len(self.rates) > MOST_RATES:
            detail = f"at most {MOST_RATES} exchange rates in one request"
            raise LimitExceeded(detail, [Fault("/prices", "limit-exceeded", detail)])
        if row[3:PLAIN] != (None,) * 5 and CLOSES_ONLY not in self.warnings:
            self.warnings.append(CLOSES_ONLY)
        return True


async def put_prices(house: House, caller: Caller, source: Source, *, dry_run: bool) -> PricesWritten:
    """Insert or replace prices and exchange rates, all of them or none.

    With `dry_run` nothing is written, and what would be refused of well-formed rows is a warning.

    Raises
    ------
    InvalidPrice
        when a price is zero, negative or not finite, given twice, or an exchange rate is not one
    UnknownAsset
        when an instrument was never loaded
    """
    with closing(source.batches):
        async with house.database.transaction(caller.tenant_id, UPLOAD_SECONDS) as connection:
            upload = await uploads.open_upload(connection)
            seen = await _receive(upload, source)
            return await (_rehearse if dry_run else _store)(connection, caller, upload, seen)


async def _receive(upload: Incoming, source: Source) -> _Seen:
    seen = _Seen()
    while (batch := await _asked(source, seen)) is not None:
        if len(seen.faults) >= MOST_FAULTS:
            break
        if not seen.faults:
            await upload.add(batch)
    if seen.faults:
        raise InvalidPrice("some prices cannot be stored", seen.faults[:MOST_FAULTS])
    await upload.analyze()
    return seen


async def _asked(source: Source, seen: _Seen) -> list[PriceRow] | None:
    """Wait for the next batch; a reader that is waited for no longer has ended before anybody goes on."""
    reading = asyncio.get_running_loop().run_in_executor(_READERS, _next, source.batches, seen)
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        source.stop()
        await asyncio.gather(reading, return_exceptions=True)
        raise


def _next(batches: Iterator[list[PriceRow]], seen: _Seen) -> list[PriceRow] | None:
    batch = next(batches, None)
    return None if batch is None else seen.check(batch)


async def _store(connection: Connection, caller: Caller, upload: Incoming, seen: _Seen) -> PricesWritten:
    repeated = await _repeated(upload, seen)
    if repeated.count:
        raise InvalidPrice("some prices cannot be stored", [_twice(key, day) for key, day in repeated.first])
    ids, unknown = await _known(connection, caller, upload)
    if unknown:
        faults = [Fault("/prices", "unknown-asset", f"no instrument {key}") for key in unknown[:MOST_FAULTS]]
        raise UnknownAsset("prices of instruments that were never loaded; PUT /v1/instruments first", faults)
    await instruments.lock_market_data(connection, caller.tenant_id)
    written = await prices.put_prices(connection, caller.tenant_id, upload)
    if written.instruments:
        await instruments.touch_prices(connection, caller.tenant_id, sorted(written.instruments))
    quoted = seen.quoted()
    inserted, updated = await rates.put_rates(connection, caller.tenant_id, quoted) if quoted else (0, 0)
    await note(connection, caller.tenant_id, entry(caller, "prices.put", f"{seen.rows} rows"))
    warnings = (*seen.warnings, *_misprints(ids))
    return PricesWritten(seen.rows, written.inserted + inserted, written.updated + updated, warnings)


async def _rehearse(connection: Connection, caller: Caller, upload: Incoming, seen: _Seen) -> PricesWritten:
    """Report what storing would do, and what is odd."""
    ids, unknown = await _known(connection, caller, upload)
    repeated, missing = await _repeated(upload, seen), await uploads.gaps(upload)
    inserted, updated = await prices.would_change(caller.tenant_id, upload)
    new, other = await rates.would_change(connection, caller.tenant_id, seen.quoted())
    warnings = (
        *seen.warnings,
        *_listed("no instrument", _some(unknown)),
        *_listed("two prices on one day:", repeated),
        *_listed("days of others without a price:", missing),
        *_misprints(ids),
    )
    return PricesWritten(seen.rows, inserted + new, updated + other, warnings)


async def _repeated(upload: Incoming, seen: _Seen) -> Some:
    found = await uploads.twice(upload)
    first = (*seen.repeated, *found.first)[: uploads.MOST_NAMED]
    return Some(found.count + len(seen.repeated), first)


async def _known(connection: Connection, caller: Caller, upload: Incoming) -> tuple[list[str], list[str]]:
    """Ids that prices have come for, and those of them that are not known."""
    ids = await uploads.instrument_ids(upload)
    known = set(await instruments.find_ids(connection, caller.tenant_id, Concerned(ids)))
    return ids, [key for key in ids if key not in known]


def _listed(what: str, some: Some) -> Iterator[str]:
    for key, figure in some.first:
        yield f"{what} {key} {figure}".rstrip()
    if some.count > len(some.first):
        yield f"{what} {some.count - len(some.first)} more"


def _misprints(ids: list[str]) -> Iterator[str]:
    wrong = [key for key in ids if is_misprinted_isin(key)]
    yield from _listed("the check digit of this ISIN is wrong:", _some(wrong))


def _some(keys: list[str]) -> Some:
    return Some(len(keys), tuple((key, "") for key in keys[: uploads.MOST_NAMED]))


def _twice(key: str, day: object) -> Fault:
    return Fault("/prices", "duplicate", f"{key} has two prices on {day}; give each day once")


def row_faults(pointer: str, row: PriceRow) -> Iterator[Fault]:
    """Find what is wrong with a row of prices."""
    for name, figure in zip(FIGURES, row[2:7], strict=True):
        if figure is not None and not SMALLEST <= figure <= LARGEST:
            detail = f"{name} is a price above 0, between {SMALLEST:g} and {LARGEST:g}"
            yield Fault(f"{pointer}/{name}", "invalid-price", detail)
    if row[7] is not None and not 0 <= row[7] <= LARGEST:
        yield Fault(f"{pointer}/volume", "invalid-price", "volume is a number of units, 0 or more")
    if not FIRST_DAY <= row[1] <= LAST_DAY:
        yield Fault(f"{pointer}/date", "out-of-range", f"a date lies between {FIRST_DAY} and {LAST_DAY}")
    if len(row) != PLAIN or is_cash(row[0]):
        yield from _quote_faults(pointer, row)


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
