"""Whether the prices that a run would use are as young as its tenant wants them."""

import datetime as dt
from collections.abc import Iterator

from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Fault, escape
from assetmix.persistence import prices
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller

MOST_AGE = "max_price_age_days"
"""The tenant's setting; without it a price may be of any age."""


async def stale_prices(
    connection: Connection, caller: Caller, snapshot: Snapshot, portfolio: Portfolio, as_of: dt.date | None
) -> list[Fault]:
    """Find the instruments whose last price is older, on the day that a run is for, than its tenant wants."""
    most_days = caller.settings.get(MOST_AGE)
    if most_days is None:
        return []
    day = as_of or await prices.today(connection)
    return list(_older(snapshot, portfolio, day, most_days))


def _older(snapshot: Snapshot, portfolio: Portfolio, day: dt.date, most_days: int) -> Iterator[Fault]:
    for key, last in zip(snapshot.universe.ids, snapshot.price_days.tolist(), strict=True):
        if key not in snapshot.prices or last >= day.toordinal() - most_days:
            continue
        since = dt.date.fromordinal(last).isoformat() if last else "long ago"
        detail = (
            f"the last price of {key} is of {since}, more than {most_days} days before {day}; "
            f"PUT /v1/prices, leave it out, or raise {MOST_AGE} in /v1/settings"
        )
        pointer = f"/portfolio/holdings/{escape(key)}" if key in portfolio.positions else "/strategy/universe"
        yield Fault(pointer, "stale-price", detail)
