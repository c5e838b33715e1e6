"""Domain to wire."""

import datetime as dt
from typing import Any

from pydantic_core import to_json

from assetmix.api.json_response import ending_with
from assetmix.codec.documents import INSTRUMENT
from assetmix.codec.packing import unpacked
from assetmix.codec.risk_models import figures_of
from assetmix.domain.given_model import GivenModel
from assetmix.domain.instrument import Instrument
from assetmix.persistence.batches import Item
from assetmix.persistence.instruments import Change
from assetmix.persistence.optimizations import Run
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.persistence.risk_models import StoredModel
from assetmix.persistence.strategies import StoredStrategy
from assetmix.persistence.webhooks import Delivery, StoredEvent
from assetmix.services.price_upload import PricesWritten
from assetmix.services.webhooks import Shown, envelope

ADDRESSES = {"frontier": "frontiers", "backtest": "backtests", "batch": "batches"}
"""Where runs of other kinds than an optimization are looked up."""


def write_change(change: Change) -> dict[str, int]:
    """What an upload did."""
    return {"created": change.created, "updated": change.updated, "unchanged": change.unchanged}


def write_instrument(instrument: Instrument) -> dict[str, Any]:
    """An instrument as it was given."""
    return dict(INSTRUMENT.write(instrument))


def write_prices(written: PricesWritten) -> dict[str, Any]:
    """What a price upload did."""
    return {
        "rows": written.rows,
        "inserted": written.inserted,
        "updated": written.updated,
        "warnings": list(written.warnings),
    }


def write_price(row: dict[str, Any]) -> dict[str, Any]:
    """One stored day, absent prices left out."""
    known = {key: value for key, value in row.items() if value is not None}
    return {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in known.items()}


def write_risk_model(stored: StoredModel) -> dict[str, Any]:
    """What a risk model covers, without its figures."""
    document = stored.document
    return {
        "name": stored.name,
        "version": stored.version,
        "digest": stored.digest,
        "default": stored.is_default,
        "form": document["form"],
        "instrument_count": len(document["instruments"]),
        "horizon_days": document["horizon_days"],
        "as_of": document["as_of"],
        "updated_at": stored.updated_at.isoformat(),
    }


def write_figures(stored: StoredModel, model: GivenModel) -> bytes:
    """A risk model with its figures, as JSON text."""
    figures = {name: array.tolist() for name, array in figures_of(model).items()}
    return bytes(to_json(write_risk_model(stored) | {"instruments": model.universe.ids} | figures))


def write_strategy(stored: StoredStrategy) -> dict[str, Any]:
    """A strategy with its number and version."""
    return {
        "strategy_id": stored.strategy_id,
        "name": stored.name,
        "version": stored.version,
        "strategy": stored.document,
    }


def write_portfolio(stored: StoredPortfolio) -> dict[str, Any]:
    """A portfolio with its id, reference and version."""
    return {
        "id": stored.id,
        "client_reference": stored.client_reference,
        "version": stored.version,
        "updated_at": stored.updated_at.isoformat(),
        **stored.document,
    }


def write_run(run: Run) -> dict[str, Any]:
    """A run with its status, and its result or error once it has ended."""
    return _about(run) | {"result": run.result}


def write_whole_run(run: Run) -> bytes:
    """The same, its result as it is stored: a document of its length is not read to be written again."""
    return ending_with(_about(run), "result", (run.result_text or "null").encode())


def _about(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "status": run.status,
        "portfolio": run.portfolio_id,
        "strategy_id": run.strategy_id,
        "what_if": run.what_if,
        "progress": run.progress,
        "attempt": run.attempt,
        "optimization_hash": run.optimization_hash,
        "queued_at": run.queued_at.isoformat(),
        "started_at": None if run.started_at is None else run.started_at.isoformat(),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(),
        "error": run.error,
        "timings": run.timings,
    }


def write_item(one: Item) -> dict[str, Any]:
    """What was answered to one portfolio of a batch, without its result."""
    named = {"number": one.number, "portfolio": one.portfolio_id, "client_reference": one.client_reference}
    return named | {"status": one.status, **one.summary, "error": one.error}


def write_whole_item(one: Item) -> bytes:
    """The same with its result, which is JSON already."""
    return ending_with(write_item(one), "result", unpacked(one.result) if one.result else b"null")


def write_validation(run: Run) -> dict[str, Any]:
    """A valid strategy, and whether its limits can hold together as far as that is known."""
    known = {"succeeded": True, "infeasible": False}.get(run.status)
    outcome = {key: run.result[key] for key in ("sentence", "conflict", "joint")} if run.result else {}
    return {"valid": True, "feasible": known, "run": run.id, "error": run.error, **outcome}


def write_settings(held: dict[str, Any], endpoints: list[Shown]) -> dict[str, Any]:
    """Every setting, and the endpoints."""
    return held | {"webhooks": [write_endpoint(one) for one in endpoints]}


def write_endpoint(shown: Shown) -> dict[str, Any]:
    """An endpoint; its secret where it is new."""
    one = shown.webhook
    document = {
        "id": one.id,
        "url": one.url,
        "events": one.events,
        "created_at": one.created_at.isoformat(),
        "disabled_at": None if one.disabled_at is None else one.disabled_at.isoformat(),
        "previous_secret_until": None if one.overlap_until is None else one.overlap_until.isoformat(),
    }
    return document if shown.secret is None else document | {"secret": shown.secret}


def write_event(event: StoredEvent, deliveries: list[Delivery]) -> dict[str, Any]:
    """An event, and what became of its messages."""
    told = [
        {
            "webhook": one.webhook_id,
            "state": one.state,
            "attempts": one.attempts,
            "answer": one.answer,
            "next_attempt_at": one.due_at.isoformat() if one.state == "waiting" else None,
            "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
        }
        for one in deliveries
    ]
    return envelope(event) | {"deliveries": told}


def accepted_headers(run: Run, seconds: int) -> dict[str, str]:
    """Where to look for the run's end, and when."""
    address = f"/v1/{ADDRESSES.get(run.kind, 'optimizations')}/{run.id}"
    return {"Location": address, "Operation-Location": address, "Retry-After": str(seconds)}
