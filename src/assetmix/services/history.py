"""An instrument with its price series: stored together, deleted together or apart."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assetmix.domain.instrument import Instrument, is_cash
from assetmix.errors import Conflict, Fault, NotFound
from assetmix.marketdata.rows import PriceRow
from assetmix.optimization.check import refuse
from assetmix.persistence import instruments, portfolios, prices, uploads
from assetmix.persistence.journal import note
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House, entry
from assetmix.services.market_data import UPLOAD_SECONDS, instrument_faults
from assetmix.services.price_upload import row_faults

MOST_BARS = 20_000


async def put_history(house: House, caller: Caller, instrument: Instrument, rows: Sequence[PriceRow]) -> int:
    """Store an instrument and prices of it, both or neither; how many prices were new or other than before.

    Of an instrument that is there, what is not given stays.

    Raises
    ------
    InvalidRequest
        with every fault
    """
    refuse(await asyncio.to_thread(lambda: list(_faults(instrument, rows))))
    async with house.database.transaction(caller.tenant_id, UPLOAD_SECONDS) as connection:
        await instruments.lock_market_data(connection, caller.tenant_id)
        known = await instruments.get_instruments(connection, caller.tenant_id, [instrument.id])
        merged = _merged(known[0].instrument, instrument) if known else instrument
        await instruments.put_instruments(connection, caller.tenant_id, [merged])
        upload = await uploads.open_upload(connection)
        await upload.add(list(rows))
        await upload.analyze()
        written = await prices.put_prices(connection, caller.tenant_id, upload)
        if written.instruments:
            await instruments.touch_prices(connection, caller.tenant_id, [instrument.id])
        await note(connection, caller.tenant_id, entry(caller, "prices.put", f"{len(rows)} rows of {instrument.id}"))
    return written.inserted + written.updated


async def delete_history(house: House, caller: Caller, instrument_id: str, *, with_instrument: bool) -> None:
    """Delete the prices of an instrument, and the instrument too where that is asked for.

    Raises
    ------
    NotFound
        when there is no such instrument
    Conflict
        when the instrument is to go and a portfolio holds it or is measured against it
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        await instruments.lock_market_data(connection, caller.tenant_id)
        if not await instruments.get_instruments(connection, caller.tenant_id, [instrument_id]):
            raise NotFound("no such instrument")
        if with_instrument:
            await _require_unheld(connection, caller, instrument_id)
            await instruments.delete_instrument(connection, caller.tenant_id, instrument_id)
        else:
            await prices.delete_prices(connection, caller.tenant_id, instrument_id)
            await instruments.touch_prices(connection, caller.tenant_id, [instrument_id])
        await note(connection, caller.tenant_id, entry(caller, "prices.delete", instrument_id, whole=with_instrument))


async def _require_unheld(connection: Connection, caller: Caller, instrument_id: str) -> None:
    holder = await portfolios.find_holder(connection, caller.tenant_id, instrument_id)
    if holder is not None:
        raise Conflict(f"portfolio {holder} holds it or is measured against it; change that first")


def _merged(known: Instrument, given: Instrument) -> Instrument:
    step = known.fractional_step if given.fractional_step is None else given.fractional_step
    name = given.name or known.name
    return replace(known, currency=given.currency, name=name, kind=given.kind, fractional_step=step)


def _faults(instrument: Instrument, rows: Sequence[PriceRow]) -> Iterator[Fault]:
    yield from instrument_faults("/instrument", instrument)
    if len(rows) > MOST_BARS:
        yield Fault("/history", "limit-exceeded", f"at most {MOST_BARS} days in one request, not {len(rows)}")
    seen = set()
    for i, row in enumerate(rows):
        if row[1] in seen:
            yield Fault(f"/history/{i}/date", "duplicate", f"{row[1]} is there twice; give each day once")
        seen.add(row[1])
        if not is_cash(instrument.id):
            yield from row_faults(f"/history/{i}", row)
