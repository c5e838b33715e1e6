"""Freezes what is known about the instruments of a run, once for all runs that share it."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from assetmix.codec.documents import digest
from assetmix.codec.snapshots import content_digest, read_snapshot, write_snapshot
from assetmix.domain.currency import FRESH_DAYS
from assetmix.domain.instrument import is_cash
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import RateSeries, Snapshot
from assetmix.errors import Fault, LimitExceeded
from assetmix.optimization.check import MOST_ASSETS
from assetmix.optimization.reach import benchmark_ids, wanted_rows, wanted_tables
from assetmix.optimization.strategy import Strategy, UniverseById, UniverseByTag, UniverseOfAll
from assetmix.persistence import instruments, prices, rates, snapshots
from assetmix.persistence.instruments import Concerned, State
from assetmix.persistence.prices import History, Span
from assetmix.persistence.session import Connection
from assetmix.services.context import House
from assetmix.services.price_upload import LAST_DAY

ROWS_A_PERIOD = {"daily": 1, "weekly": 5, "monthly": 23}
SPARE_ROWS = 60
DOUBLE = 2
"""So many times the window is loaded, because days on which a price is missing are dropped."""

END_OF_TIME = LAST_DAY


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which instruments and currencies a run concerns, up to which day, how much history and which tables."""

    ids: tuple[str, ...]
    tags: tuple[str, ...]
    as_of: dt.date | None
    rows: int | None
    base_currency: str
    holds_foreign_cash: bool = False
    extras: frozenset[str] = frozenset()
    everything: bool = False
    """Whether every tradable instrument is concerned."""

    most_cells: int | None = None
    """Prices that the snapshot may hold; None where the number of instruments is bound enough."""

    def needs_rates(self, currencies: Collection[str]) -> bool:
        """Whether anything has to be converted, given the currencies that the instruments are quoted in."""
        return self.holds_foreign_cash or any(currency != self.base_currency for currency in currencies)


def wanted(strategy: Strategy, portfolio: Portfolio, as_of: dt.date | None) -> Wanted:
    """Find out what a strategy needs to know when applied to a portfolio."""
    named = strategy.universe.ids if isinstance(strategy.universe, UniverseById) else ()
    tags = strategy.universe.tags if isinstance(strategy.universe, UniverseByTag) else ()
    ids = {*named, *portfolio.positions, *benchmark_ids(strategy, portfolio)}
    return Wanted(
        ids=tuple(sorted(key for key in ids if not is_cash(key))),
        tags=tags,
        as_of=as_of,
        rows=_rows(strategy),
        base_currency=portfolio.base_currency,
        holds_foreign_cash=bool(portfolio.foreign_currencies),
        extras=wanted_tables(strategy),
        everything=isinstance(strategy.universe, UniverseOfAll),
    )


async def freeze(house: House, connection: Connection, tenant_id: str, want: Wanted) -> tuple[str, Snapshot]:
    """Give the content hash of the snapshot and the snapshot; built only if it never was.

    The name under which a snapshot is found again is made of a fingerprint of the instruments'
    documents and prices, and of the exchange rates where there is something to convert, so that
    finding it reads neither prices nor documents.

    Raises
    ------
    LimitExceeded
        when it would hold more instruments than a run may concern
    """
    # by the hash: of two questions that share one, at worst the other's key is looked for in vain
    asked = (tenant_id, hash(want))
    last = house.snapshot_keys.recall(asked, str)
    concerned = Concerned(want.ids, want.tags, everything=want.everything)
    state, of_last = await instruments.get_state_and_digest(connection, tenant_id, concerned, last)
    _require_size(state.count, want)
    convert = want.needs_rates(state.currencies)
    key = _key(state, await rates.get_revision(connection, tenant_id) if convert else None, want)
    house.snapshot_keys.keep(asked, key)
    known = of_last if key == last else await snapshots.find_digest(connection, tenant_id, key)
    if known is not None and (tenant_id, known) in house.snapshots:
        return known, house.snapshots.recall((tenant_id, known), _unreachable)
    if known is not None:
        payload = await snapshots.get_payload(connection, tenant_id, known)
    else:
        ids = await instruments.find_ids(connection, tenant_id, concerned)
        payload = write_snapshot(await _build(connection, tenant_id, ids, want, convert=convert))
        known = content_digest(payload)
        await snapshots.put_snapshot(connection, tenant_id, key, known, payload)
    snapshot = read_snapshot(payload)
    house.snapshots.keep((tenant_id, known), snapshot)
    return known, snapshot


def _require_size(count: int, want: Wanted) -> None:
    if count > MOST_ASSETS:
        detail = f"a run concerns at most {MOST_ASSETS} instruments, not {count}; name fewer, or fewer tags"
        raise LimitExceeded(detail, [Fault("/strategy/universe", "limit-exceeded", detail)])
    cells = count * (want.rows or 0) * (1 + len(want.extras))
    if want.most_cells is not None and cells > want.most_cells:
        detail = f"{count} instruments on up to {want.rows} days are more than {want.most_cells:,} prices"
        cure = f"{detail}; name fewer instruments, or begin later"
        raise LimitExceeded(detail, [Fault("/strategy/universe", "limit-exceeded", cure)])


def _key(state: State, rate_revision: int | None, want: Wanted) -> str:
    day = None if want.as_of is None else want.as_of.isoformat()
    return digest([state.fingerprint, rate_revision, day, want.rows, sorted(want.extras)])


async def _build(
    connection: Connection, tenant_id: str, ids: tuple[str, ...], want: Wanted, *, convert: bool
) -> Snapshot:
    stored = await instruments.get_instruments(connection, tenant_id, ids)
    until = want.as_of or END_OF_TIME
    history = await prices.get_history(connection, tenant_id, ids, Span(until, want.rows, want.extras))
    day = want.as_of or await _latest(connection, tenant_id, history, convert=convert)
    return Snapshot(
        as_of=day,
        instruments=tuple(one.instrument for one in stored),
        closes=history.closes,
        dates=history.dates,
        history=history.table,
        extras=history.extras,
        rates=await _series(connection, tenant_id, history, day) if convert else (),
    )


async def _latest(connection: Connection, tenant_id: str, history: History, *, convert: bool) -> dt.date:
    """Last day of the history; of the rates where there is no history, as when only cash is held."""
    if len(history.dates):
        return dt.date.fromordinal(int(history.dates[-1]))
    day = await rates.last_day(connection, tenant_id, END_OF_TIME) if convert else None
    return day or END_OF_TIME


async def _series(connection: Connection, tenant_id: str, history: History, day: dt.date) -> tuple[RateSeries, ...]:
    first = dt.date.fromordinal(int(history.dates[0])) if len(history.dates) else day
    return await rates.get_series(connection, tenant_id, first - dt.timedelta(days=FRESH_DAYS), day)


def _rows(strategy: Strategy) -> int | None:
    tables = wanted_rows(strategy)
    rows: list[int] = [tables + SPARE_ROWS if tables > 1 else 1]
    for spec in (strategy.risk_model, strategy.forecast):
        frequency = getattr(spec, "frequency", None)
        if frequency is not None:
            window = getattr(spec, "window", None)
            if window is None:
                return None
            rows.append(DOUBLE * window * ROWS_A_PERIOD[frequency] + SPARE_ROWS)
    return max(rows)


def _unreachable() -> Snapshot:
    raise AssertionError("it was there a line before")
