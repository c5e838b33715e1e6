"""Domain to wire."""

from collections.abc import Mapping
from typing import Any

from assetmix.api.dialects.investsuite.schemas import optimization as schemas
from assetmix.domain.taxonomy import ASSET_CLASSES, REGION_CLASSES, REGIONS, SECTORS
from assetmix.persistence.activity import Choice
from assetmix.persistence.optimizations import Run
from assetmix.services.accounts import SYSTEM_USER

STATUS = {"succeeded": "SUCCESS", "infeasible": "INFEASIBLE", "failed": "FAILURE"}
ACTIVE = {"queued": "PENDING", "running": "PENDING"}
THRESHOLDS = {
    "violation": "max_portfolio_constraint_violation_pctpoints",
    "improvement": "min_portfolio_update_optimality_improvement_fraction",
    "cash_fraction": "holdings.cash_fraction",
    "cash_amount": "holdings.cash_amount",
    "divest_amount": "divest_amount",
    "universe": "investment_universe",
}
"""Names of thresholds: those of the policy, and the two beside it."""

SHORTER = {"sectors.stocks.": "sectors.", "bond_types.bonds.": "bond_types."}
"""Groups that the documents name without the asset class that they are in."""

OF_BENCHMARK = {"tracking_error", "active_share"}


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


def write_optimization(run: Run, choice: Choice | None = None, *, superseded: bool = False) -> schemas.Optimization:
    """The object of a run, whether and however it has ended."""
    result = run.result or {}
    ended = run.finished_at or run.queued_at
    return {
        "current_solution": write_solution(result, "current") if result else None,
        "optimal_solution": write_solution(result, "optimal") if result.get("weights") is not None else None,
        "portfolio_update": write_update(run, result),
        "owner_choice": None if choice is None else choice.choice,
        "portfolio_id": run.portfolio_id,
        "optimization_hash": run.optimization_hash,
        "status": (STATUS | ACTIVE).get(run.status, "NOT_OPTIMIZED"),  # type: ignore[typeddict-item]
        "superseded": superseded,
        "sentence": result.get("sentence") or (run.error or {}).get("detail", ""),
        "conflict": [one | {"limit": _named(one["limit"])} for one in result.get("conflict", [])],
        "errors": (run.error or {}).get("errors", []),
        "id": run.id,
        "creation_datetime": run.queued_at.isoformat(),
        "version": 1 if choice is None else choice.version,
        "version_datetime": (ended if choice is None else choice.at).isoformat(),
        "version_authored_by_user_id": SYSTEM_USER,
        "deleted": False,
    }


def write_solution(result: Mapping[str, Any], which: str) -> schemas.Solution:
    """The current or the optimal portfolio; the objective as a number that is minimized."""
    sign = 1.0 if result["sense"] == "minimize" else -1.0
    if which == "current":
        value, portfolio = result["current_objective_value"], result["current_holdings"]
    else:
        value, portfolio = result["rounded"]["objective_value"], result["holdings"]
    breaches = {_named(key): amount for key, amount in result["violations"][which].items()}
    return {
        "objective_value": None if value is None else sign * value,
        "portfolio": dict(portfolio),
        "holdings": dict(portfolio),
        "look_through": write_look_through(result["look_through"][which]),
        "portfolio_constraint_violations": {k: v for k, v in breaches.items() if k not in OF_BENCHMARK},
        "benchmark_constraint_violations": {k: v for k, v in breaches.items() if k in OF_BENCHMARK},
    }


def write_look_through(exposure: Mapping[str, Any]) -> schemas.LookThrough:
    """Every documented name with its share, 0 where nothing is held; other names beside them."""
    regions = exposure.get("regions", {})
    return {
        "asset_classes": dict.fromkeys(ASSET_CLASSES, 0.0) | dict(exposure.get("asset_classes", {})),
        "regions": {
            name: dict.fromkeys(REGIONS, 0.0) | dict(regions.get(name, {}))
            for name in (*REGION_CLASSES, *(set(regions) - set(REGION_CLASSES)))
        },
        "bond_types": exposure.get("bond_types"),
        "sectors": dict.fromkeys(SECTORS, 0.0) | dict(exposure.get("sectors", {})),
    }


def write_update(run: Run, result: Mapping[str, Any]) -> schemas.PortfolioUpdate:
    """Orders by instrument where they are recommended, and why they are or are not."""
    by_amount = run.inputs.get("quantity_type") == "AMOUNT"
    held = result.get("current_holdings", {})
    advice = result.get("recommendation") or {"is_recommended": False, "sentence": "", "reasons": []}
    orders = result["orders"] if advice["is_recommended"] else ()
    return {
        "is_recommended": advice["is_recommended"],
        "orders": {one["instrument"]: write_order(one, held, by_amount=by_amount) for one in orders},
        "reasons": [write_reason(one) for one in advice["reasons"]],
        "sentence": advice["sentence"],
    }


def write_reason(reason: Mapping[str, Any]) -> schemas.Reason:
    """A threshold that is reached, under the policy's name for it."""
    limit = reason["limit"]
    return {
        "portfolio_update_constraint_id": THRESHOLDS[reason["threshold"]],
        "portfolio_update_constraint_value": reason["value"],
        "portfolio_constraint_id": None if limit is None else _named(limit),
        "observed_value": reason["observed"],
        "sentence": reason["sentence"],
    }


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
        "expected_share_price_date": order.get("priced_on"),
    }


def _named(limit: str) -> str:
    """Name a limit as the documents do."""
    for longer, shorter in SHORTER.items():
        if limit.startswith(longer):
            return shorter + limit.removeprefix(longer)
    return limit
