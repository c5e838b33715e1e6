"""Instruments, prices and exchange rates: stored, looked up, listed."""

import datetime as dt
from collections.abc import Sequence

from assetmix.domain.instrument import Instrument, is_cash
from assetmix.errors import Fault, InvalidRequest, LimitExceeded, NotFound
from assetmix.optimization.check import MOST_FAULTS
from assetmix.persistence import instruments, prices, rates
from assetmix.persistence.instruments import Change
from assetmix.persistence.journal import note
from assetmix.services.context import Caller, House, entry
from assetmix.services.names import LONGEST, currency_faults, is_printable

MOST_INSTRUMENTS = 10_000
MOST_MARKS = 200
"""Groups, attributes and tags of one instrument, each."""

UPLOAD_SECONDS = 120.0
SMALLEST, LARGEST = 1e-12, 1e15


async def put_instruments(house: House, caller: Caller, given: Sequence[Instrument]) -> Change:
    """Create or replace instruments, all of them or none."""
    faults = [fault for i, one in enumerate(given) for fault in instrument_faults(f"/instruments/{i}", one)]
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


def instrument_faults(pointer: str, one: Instrument) -> list[Fault]:
    """Find what is wrong with an instrument."""
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
