"""Domain to wire."""

from collections.abc import Iterator, Mapping
from typing import Any

from assetmix.domain.instrument import is_cash
from assetmix.persistence.optimizations import Run
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.persistence.strategies import StoredStrategy

JSON = dict[str, Any]

STATUSES: Mapping[str, str] = {
    "queued": "QUEUED",
    "running": "RUNNING",
    "succeeded": "COMPLETED",
    "infeasible": "COMPLETED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
    "superseded": "CANCELLED",
}
"""Statuses of runs; one whose limits clash has completed, and `outcome` says with what."""


def write_strategy(stored: StoredStrategy) -> JSON:
    """A strategy as it was written; one of another dialect shows the core's document in `strategy`."""
    about = {"strategy_id": stored.strategy_id, "name": stored.name, "version": stored.version}
    return about | (stored.details if stored.details is not None else {"strategy": stored.document})


def write_version(one: JSON) -> JSON:
    """A version of a strategy."""
    document = one.get("details") or {"strategy": one["strategy"]}
    return {"version": one["version"], "created_at": one["created_at"].isoformat(), **document}


def write_portfolio(stored: StoredPortfolio) -> JSON:
    """A portfolio with its components and its index."""
    portfolio = stored.portfolio
    held = {key: units for key, units in portfolio.holdings.items() if not is_cash(key)}
    return {
        "client_reference": stored.client_reference,
        "id": stored.id,
        "version": stored.version,
        "currency": portfolio.base_currency,
        "cash": portfolio.cash,
        "components": [{"instrument_code": key, "quantity": units} for key, units in held.items()],
        "index": write_index(portfolio.benchmark),
    }


def write_index(benchmark: Mapping[str, float]) -> list[JSON]:
    """The members of a composite benchmark."""
    return [{"instrument_code": key, "ratio": ratio} for key, ratio in benchmark.items()]


def write_history(code: str, rows: list[dict[str, Any]]) -> JSON:
    """Stored prices of an instrument, absent ones left out."""
    bars = [{key: value for key, value in row.items() if value is not None} for row in rows]
    return {"instrument_code": code, "timeframeid": 1, "history": bars}


def write_accepted(run: Run, client_reference: str) -> JSON:
    """What was started; the id is the one to poll by."""
    return _about(run, client_reference)


def _about(run: Run, client_reference: str) -> JSON:
    return {
        "id": run.id,
        "client_reference": client_reference,
        "strategy_id": run.strategy_id,
        "status": STATUSES[run.status],
        "progress": run.progress,
    }


def write_rebalance(run: Run, client_reference: str) -> JSON:
    """A rebalance as far as it is: current and optimal portfolio, orders, and reasons for everything else."""
    about = _about(run, client_reference) | {"error": run.error}
    if run.result is None:
        return about
    result = run.result
    return about | {
        "outcome": result["status"],
        "current": _side(result, "current", result["current_holdings"]),
        "optimal": None if result["holdings"] is None else _side(result, "optimal", result["holdings"]),
        "orders": [_order(one) for one in result["orders"]],
        "untouched": [{"instrument_code": one["instrument"], "reason": one["reason"]} for one in result["skipped"]],
        "tactical": [
            {"rule": one["kind"], "excluded": one["excluded"], "exposure": one["exposure"], "reason": one["sentence"]}
            for one in result["overlays"]
        ],
        "reasons": list(_reasons(result)),
    }


def _side(result: JSON, side: str, holdings: Mapping[str, float]) -> JSON:
    value, prices = result["value"], result["prices"]
    components = [
        {"instrument_code": key, "quantity": units, "weight": units * prices[key] / value}
        for key, units in holdings.items()
        if key in prices
    ]
    return {
        "components": components,
        "cash": sum(units for key, units in holdings.items() if is_cash(key) and key not in prices),
        "measures": result["measures"][side],
        "violations": result["violations"][side],
    }


def _order(one: JSON) -> JSON:
    return {
        "instrument_code": one["instrument"],
        "side": one["side"].upper(),
        "quantity": one["quantity"],
        "price": one["price"],
        "amount": one["quantity"] * one["price"],
        "cost": one["cost"],
        "reason": one["reason"],
    }


def _reasons(result: JSON) -> Iterator[str]:
    yield result["sentence"]
    yield from (one["sentence"] for one in result["overlays"])
    yield from (one["sentence"] for one in result["conflict"])


def write_backtest(run: Run, client_reference: str) -> JSON:
    """A backtest with its status and progress, and its result once it has completed."""
    return _about(run, client_reference) | {"error": run.error, "result": run.result}


def headers_of(address: str, run: Run, seconds: int) -> dict[str, str]:
    """Where to look for a run's end, and when to ask again while it has not ended."""
    later = {"Retry-After": str(seconds)} if run.is_active else {}
    return {"Location": f"{address}?id={run.id}"} | later
