"""What the scheduler asks for by itself: runs of portfolios that are due, and of all managed ones by night."""

import logging

from assetmix.clock import now
from assetmix.errors import Error, Unavailable
from assetmix.persistence import due, tenants
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House
from assetmix.services.triggers import LATER_SECONDS, ring, trigger

log = logging.getLogger(__name__)

SCHEDULER = "scheduler"
"""Actor of what nobody has asked for."""


async def begin_night(house: House) -> bool:
    """Make every managed portfolio due once a day, from the hour on that is set (UTC); whether it was done now."""
    moment = now()
    hour = house.settings.nightly_hour
    if hour is None or moment.hour < hour:
        return False
    async with house.database.transaction() as connection:
        return await due.begin_night(connection, moment.date())


async def optimize_due(house: House) -> bool:
    """Have the portfolio optimized that has been due for longest; whether there was one.

    One that cannot be optimized is put off, so that others go first.
    """
    taken: due.Due | None = None
    try:
        async with house.database.transaction() as connection:
            taken = await due.take_due(connection)
            if taken is None:
                return False
            caller = await _scheduler(connection, taken.tenant_id)
            triggered = await trigger(house, connection, caller, taken.portfolio_id)
    except Unavailable:
        raise
    except Error as error:
        log.warning("a portfolio that is due is put off: %s", error.message)
        await _postpone(house, taken)
        return True
    ring(house, triggered)
    outcome = triggered.sentence or "a run was asked for"
    log.info("portfolio %s was due (%s): %s", taken.portfolio_id, taken.cause, outcome)
    return True


async def optimize_all_due(house: House) -> int:
    """Have every portfolio optimized that is due; how many there were."""
    count = 0
    while await optimize_due(house):
        count += 1
    return count


async def _postpone(house: House, taken: due.Due | None) -> None:
    if taken is not None:
        async with house.database.transaction() as connection:
            await due.postpone(connection, taken.tenant_id, taken.portfolio_id, LATER_SECONDS)


async def _scheduler(connection: Connection, tenant_id: str) -> Caller:
    settings = await tenants.settings_of(connection, tenant_id)
    return Caller(tenant_id, "", SCHEDULER, frozenset(), settings)
