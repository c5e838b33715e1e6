"""What has a portfolio optimized: every change of it, cash that moves, its policy, the night; and what forbids it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from assetmix.clock import now
from assetmix.codec.documents import digest
from assetmix.errors import InvalidRequest, NotFound, QuotaExceeded
from assetmix.persistence import activity, due, optimizations, portfolios
from assetmix.persistence.activity import Activity
from assetmix.persistence.journal import happened
from assetmix.persistence.optimizations import NewRun, Run
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House
from assetmix.services.ids import new_id
from assetmix.services.management import is_managed, settings_of
from assetmix.services.optimizations import ring_for, store
from assetmix.services.preparation import DEFAULT_SECONDS, HASH_DIGITS, Request

LATER_SECONDS = 60.0
"""After so long it is tried again what there was no room for."""


@dataclass(frozen=True, slots=True)
class Triggered:
    """The run that answers a trigger; where there is none, `sentence` says why."""

    run: Run | None
    sentence: str = ""


async def trigger(house: House, connection: Connection, caller: Caller, portfolio_id: str) -> Triggered:
    """Have a portfolio optimized, unless something forbids it; the same inputs give the run that there is.

    What makes the question unanswerable, such as a price that is missing, is a run that has failed:
    whoever polls finds the reason. The caller rings for the run when the transaction has ended.
    """
    stored = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio_id, lock=True)
    if stored is None:
        return Triggered(None, "there is no such portfolio any more")
    under_way = await activity.activity_of(connection, caller.tenant_id, stored.id)
    hindrance = hindrance_of(stored, under_way)
    if hindrance is not None:
        return Triggered(None, hindrance)
    request = Request(portfolio=stored.id, if_running="replace", after=under_way.after)
    try:
        return Triggered(await store(house, connection, caller, request))
    except QuotaExceeded as error:
        await due.put_off(connection, caller.tenant_id, stored.id, "quota", LATER_SECONDS)
        return Triggered(None, f"{error.message}; this portfolio is looked at again within minutes")
    except (InvalidRequest, NotFound) as error:
        return Triggered(await _refused(connection, caller, stored, error))


def ring(house: House, triggered: Triggered) -> None:
    """Ring for what was triggered; after the transaction."""
    if triggered.run is not None:
        ring_for(house, triggered.run)


def hindrance_of(stored: StoredPortfolio, under_way: Activity) -> str | None:
    """Say what forbids that a portfolio is optimized, None for nothing."""
    settings = settings_of(stored.details)
    cooldown = settings.get("optimization_cooldown_end")
    reasons = (
        (not is_managed(stored.details), "its user manages it"),
        (stored.document.get("strategy") is None, "it has no policy yet"),
        (settings.get("active") is False, "it is not active"),
        (bool(stored.details.get("archived")), "it is archived"),
        (not any(stored.document["holdings"].values()), "it holds nothing yet, not even cash"),
        (cooldown is not None and _moment(cooldown) > now(), f"it is left alone until {cooldown}"),
        (under_way.under_way > 0, f"{under_way.under_way} orders of it are being executed"),
        (under_way.accepted is not None, f"its owner has accepted {under_way.accepted}, whose orders come first"),
    )
    return next((sentence for holds, sentence in reasons if holds), None)


async def _refused(
    connection: Connection, caller: Caller, stored: StoredPortfolio, error: InvalidRequest | NotFound
) -> Run:
    """Give the failed run that says why; the one that says so already, if it is the latest."""
    faults = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in error.faults]
    name = digest([stored.id, stored.document, error.code, faults])[:HASH_DIGITS]
    latest = await optimizations.find_latest(connection, caller.tenant_id, stored.id)
    if latest is not None and latest.optimization_hash == name:
        return latest
    title = error.code.replace("-", " ").capitalize()
    problem: dict[str, Any] = {"type": f"/problems/{error.code}", "title": title, "detail": error.message}
    new = NewRun(
        id=new_id("O"),
        portfolio_id=stored.id,
        strategy_id=None,
        what_if=False,
        optimization_hash=name,
        inputs={"portfolio": stored.document},
        snapshot_digest=None,
        time_limit_seconds=DEFAULT_SECONDS,
        request_id=caller.origin.request_id,
        traceparent=caller.origin.traceparent,
    )
    run = await optimizations.add_refused(connection, caller.tenant_id, new, problem | {"errors": faults})
    await happened(connection, caller.tenant_id, run.id, "failed")
    return run


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
