"""Freezes what is known about the instruments of a run, once for all runs that share it."""

import datetime as dt
from dataclasses import dataclass

from assetmix.codec.documents import digest
from assetmix.codec.snapshots import content_digest, read_snapshot, write_snapshot
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.estimation.specs import HistoricalMean, SampleRisk
from assetmix.optimization.reach import benchmark_ids
from assetmix.optimization.strategy import Strategy, UniverseById, UniverseByTag
from assetmix.persistence import instruments, prices, snapshots
from assetmix.persistence.session import Connection
from assetmix.services.context import House
from assetmix.services.market_data import LAST_DAY

ROWS_A_PERIOD = {"daily": 1, "weekly": 5, "monthly": 23}
SPARE_ROWS = 60
DOUBLE = 2
"""So many times the window is loaded, because days on which a price is missing are dropped."""

END_OF_TIME = LAST_DAY


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which instruments a run concerns, up to which day, and how much history."""

    ids: tuple[str, ...]
    tags: tuple[str, ...]
    as_of: dt.date | None
    rows: int | None


def wanted(strategy: Strategy, portfolio: Portfolio, as_of: dt.date | None) -> Wanted:
    """Find out what a strategy needs to know when applied to a portfolio."""
    named = strategy.universe.ids if isinstance(strategy.universe, UniverseById) else ()
    tags = strategy.universe.tags if isinstance(strategy.universe, UniverseByTag) else ()
    ids = {*named, *portfolio.positions, *benchmark_ids(strategy, portfolio)}
    return Wanted(tuple(sorted(ids)), tags, as_of, _rows(strategy))


async def freeze(house: House, connection: Connection, tenant_id: str, want: Wanted) -> tuple[str, Snapshot]:
    """Give the content hash of the snapshot and the snapshot; built only if it never was.

    The name under which a snapshot is found again is made of the revisions of the instruments'
    documents and prices, so that finding it reads no prices.
    """
    revisions = await instruments.get_revisions(connection, tenant_id, want.ids, want.tags)
    key = _key(revisions, want)
    known = await snapshots.find_digest(connection, tenant_id, key)
    if known is not None and (tenant_id, known) in house.snapshots:
        return known, house.snapshots.recall((tenant_id, known), _unreachable)
    if known is not None:
        payload = await snapshots.get_payload(connection, tenant_id, known)
    else:
        payload = write_snapshot(await _build(connection, tenant_id, tuple(revisions), want))
        known = content_digest(payload)
        await snapshots.put_snapshot(connection, tenant_id, key, known, payload)
    snapshot = read_snapshot(payload)
    house.snapshots.keep((tenant_id, known), snapshot)
    return known, snapshot


def _key(revisions: dict[str, tuple[int, int]], want: Wanted) -> str:
    return digest([sorted(revisions.items()), None if want.as_of is None else want.as_of.isoformat(), want.rows])


async def _build(connection: Connection, tenant_id: str, ids: tuple[str, ...], want: Wanted) -> Snapshot:
    stored = await instruments.get_instruments(connection, tenant_id, ids)
    until = want.as_of or END_OF_TIME
    history = await prices.get_history(connection, tenant_id, ids, until, want.rows)
    latest = dt.date.fromordinal(int(history.dates[-1])) if len(history.dates) else until
    known = tuple(one.instrument for one in stored)
    return Snapshot(want.as_of or latest, known, history.closes, history.dates, history.table)


def _rows(strategy: Strategy) -> int | None:
    rows: list[int] = [1]
    for spec in (strategy.risk_model, strategy.forecast):
        if isinstance(spec, SampleRisk | HistoricalMean):
            if spec.window is None:
                return None
            rows.append(DOUBLE * spec.window * ROWS_A_PERIOD[spec.frequency] + SPARE_ROWS)
    return max(rows)


def _unreachable() -> Snapshot:
    raise AssertionError("it was there a line before")
