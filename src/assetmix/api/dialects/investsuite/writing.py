"""Domain to wire."""

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from assetmix.api.context import request_id
from assetmix.api.dialects.investsuite import schemas
from assetmix.api.problems import Problem
from assetmix.persistence.optimizations import Run

STATUS = {"succeeded": "SUCCESS", "infeasible": "INFEASIBLE", "failed": "FAILURE"}
LEAST_VIOLATION = 0.0
LEAST_IMPROVEMENT = 0.0
"""Thresholds for a recommendation where no policy sets others."""

TINY = 1e-12


def write_not_yet(run: Run) -> schemas.NotYet:
    """What is said while a run is queued or running; nothing of our insides."""
    return {
        "message": schemas.NOT_YET,
        "details": f"The optimization is {run.status}.",
        "optimization_hash": run.optimization_hash,
    }


def not_yet_headers(run: Run, seconds: int) -> dict[str, str]:
    """When to ask again, and where the run itself can be watched."""
    return {"Retry-After": str(seconds), "Operation-Location": f"/v1/optimizations/{run.id}"}


def write_optimization(run: Run, *, superseded: bool) -> schemas.Optimization:
    """The object of a run that has ended, however it ended."""
    result = run.result or {}
    current = write_solution(result, "current") if result else None
    optimal = write_solution(result, "optimal") if result.get("weights") is not None else None
    ended = run.finished_at or run.queued_at
    return {
        "current_solution": current,
        "optimal_solution": optimal,
        "portfolio_update": write_update(run, result, current, optimal),
        "status": STATUS.get(run.status, "NOT_OPTIMIZED"),  # type: ignore[typeddict-item]
        "superseded": superseded,
        "sentence": result.get("sentence") or (run.error or {}).get("detail", ""),
        "conflict": result.get("conflict", []),
        "id": run.id,
        "creation_datetime": run.queued_at.isoformat(),
        "version": 1,
        "version_datetime": ended.isoformat(),
        "version_authored_by_user_id": schemas.SYSTEM_USER,
        "deleted": False,
    }


def write_solution(result: Mapping[str, Any], which: str) -> schemas.Solution:
    """The current or the optimal portfolio; the objective as a number that is minimized."""
    sign = 1.0 if result["sense"] == "minimize" else -1.0
    if which == "current":
        value, portfolio = result["current_objective_value"], result["current_holdings"]
    else:
        value, portfolio = result["rounded"]["objective_value"], result["holdings"]
    return {
        "objective_value": sign * value,
        "portfolio": dict(portfolio),
        "look_through": write_look_through(result["look_through"][which]),
        "portfolio_constraint_violations": dict(result["violations"][which]),
    }


def write_look_through(exposure: Mapping[str, Any]) -> schemas.LookThrough:
    """Every documented name with its share, 0 where nothing is held; other names beside them."""
    regions = exposure.get("regions", {})
    return {
        "asset_classes": dict.fromkeys(schemas.ASSET_CLASSES, 0.0) | dict(exposure.get("asset_classes", {})),
        "regions": {
            name: dict.fromkeys(schemas.REGIONS, 0.0) | dict(regions.get(name, {}))
            for name in (*schemas.REGION_CLASSES, *(set(regions) - set(schemas.REGION_CLASSES)))
        },
        "bond_types": exposure.get("bond_types"),
        "sectors": dict.fromkeys(schemas.SECTORS, 0.0) | dict(exposure.get("sectors", {})),
    }


def write_update(
    run: Run, result: Mapping[str, Any], current: schemas.Solution | None, optimal: schemas.Solution | None
) -> schemas.PortfolioUpdate:
    """Orders by instrument, and why they are recommended, if they are."""
    by_amount = run.inputs.get("quantity_type") == "AMOUNT"
    held = result.get("current_holdings", {})
    orders = {one["instrument"]: write_order(one, held, by_amount=by_amount) for one in result.get("orders", ())}
    reasons = list(_reasons(current, optimal)) if current and optimal else []
    return {"is_recommended": bool(orders and reasons), "orders": orders, "reasons": reasons}


def write_order(order: Mapping[str, Any], held: Mapping[str, float], *, by_amount: bool) -> schemas.Order:
    """One order; an amount is units times price without costs, and a full exit is always in units."""
    shares = order["quantity"] if order["side"] == "buy" else -order["quantity"]
    is_exit = held.get(order["instrument"], 0.0) + shares == 0
    in_money = by_amount and not is_exit
    return {
        "quantity_type": "AMOUNT" if in_money else "UNITS",
        "quantity": shares * order["price"] if in_money else shares,
        "shares": shares,
        "expected_share_price": order["price"],
        "expected_transaction_cost": order["cost"],
    }


def write_error(request: Request, problem: Problem) -> Response:
    """Errors as the documents print them."""
    identity = request_id(request.scope)
    title = problem.code.replace("-", " ").capitalize()
    if problem.faults:
        detail = [{"loc": _location(one.pointer), "msg": one.detail, "type": one.code} for one in problem.faults]
        body: dict[str, Any] = {"title": title, "detail": detail, "status": problem.status, "body": None}
    else:
        moment = dt.datetime.fromtimestamp(time.time(), dt.UTC)
        body = {"title": title, "description": problem.detail, "request_id": identity, "timestamp": moment.isoformat()}
    return JSONResponse(body, status_code=problem.status, headers=problem.headers)


def _reasons(current: schemas.Solution, optimal: schemas.Solution) -> Iterator[schemas.Reason]:
    for name, amount in current["portfolio_constraint_violations"].items():
        if amount > LEAST_VIOLATION:
            yield {
                "portfolio_update_constraint_id": "max_portfolio_constraint_violation_pctpoints",
                "portfolio_update_constraint_value": LEAST_VIOLATION,
                "portfolio_constraint_id": name,
                "observed_value": amount,
            }
    before, after = current["objective_value"], optimal["objective_value"]
    improvement = (before - after) / max(abs(before), TINY)
    if not current["portfolio_constraint_violations"] and improvement > LEAST_IMPROVEMENT:
        yield {
            "portfolio_update_constraint_id": "min_portfolio_update_optimality_improvement_fraction",
            "portfolio_update_constraint_value": LEAST_IMPROVEMENT,
            "portfolio_constraint_id": None,
            "observed_value": improvement,
        }


def _location(pointer: str) -> list[str]:
    return ["body", *pointer.strip("/").split("/")] if pointer.strip("/") else ["body"]
