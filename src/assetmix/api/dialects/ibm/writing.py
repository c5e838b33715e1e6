"""Domain to wire."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request
from starlette.responses import JSONResponse, Response

from assetmix.api.context import arrived, request_id
from assetmix.api.dialects.ibm import schemas
from assetmix.api.json_response import FastJSONResponse
from assetmix.api.problems import LONGEST, Problem
from assetmix.persistence.optimizations import Run

Shape = Literal["documented", "live"]
SECOND = 10**9
BROKEN = 500
"""From this status on the fault is ours."""

COUNTED = {"max_holdings", "min_holdings", "max_trades"}
CODES: Mapping[tuple[str, str], int] = {
    ("Dual", "optimal"): 1,
    ("Dual", "feasible"): 23,
    ("MIP", "optimal"): 101,
    ("MIP", "feasible"): 107,
}
"""Solution status numbers of CPLEX, which the service that is mirrored used."""

STATUSES = {"optimal": "Optimal", "feasible": "Feasible"}
THREADS = 1

UNKNOWN_ASSET = (
    "XML request error: Did not find a position defined for a childId tag within positionGroup tag. "
    "Last reported engine status: PCO started."
)
REFUSED: Mapping[str, str] = {"infeasible": "Infeasible", "unbounded": "Unbounded"}
FAILED = "Error occurred in the optimizer"
OWN = ("internal-error", "solver-failed", "solver-timeout", "resource-limit", "worker-lost")
OURS = tuple(f"/problems/{code}" for code in OWN)
"""What is wrong with us when a run fails; anything else is wrong with the request."""

WITHDRAWN = {"cancelled", "superseded"}
NOTHING = 1e-9
"""A trade or position of so small a part of value is none: solvers leave dust."""

MISUSED = {401, 403, 404, 405, 409, 413, 415, 429, 431, 503}
"""Statuses that an answer keeps; what else is wrong with a request is 400."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a request came and when it was answered, nanoseconds since 1970."""

    start: int
    end: int


def write_run(run: Run, times: Times, shape: Shape) -> Response:
    """Give a run's answer: 200 with the solution, 400 for what cannot be, 500 for what could not be found."""
    result, error = run.result or {}, run.error or {}
    if run.status == "succeeded":
        return FastJSONResponse(write_solution(run, result, times, shape))
    description = REFUSED.get(result.get("status", ""))
    if run.status in WITHDRAWN:
        return _error(_body(409, f"The optimization was {run.status}", run.id, times))
    if description is None and error.get("type", OURS[0]) in OURS:
        return _error(_body(BROKEN, FAILED, run.id, times), [error.get("detail", "")])
    if description is None:
        return _error(_body(400, error["detail"], run.id, times))
    sentences = [result.get("sentence", ""), *(one["sentence"] for one in result.get("conflict", ()))]
    return _error(_body(400, description, run.id, times), sentences)


def write_pending(run: Run, times: Times, headers: Mapping[str, str]) -> Response:
    """Say that a request is accepted, and where its answer will be."""
    body = _body(202, "Accepted; the answer will be at Location.", run.id, times)
    return JSONResponse(body, status_code=202, headers=dict(headers))


def write_solution(run: Run, result: Mapping[str, Any], times: Times, shape: Shape) -> dict[str, Any]:
    """Write the holdings in the order of the request, as documented or as the live service wrote them."""
    algorithm = "MIP" if COUNTED & {one["kind"] for one in run.inputs["strategy"]["constraints"]} else "Dual"
    status = STATUSES[result["status"]]
    metadata: schemas.Metadata = {
        "message": status,
        "objectiveValue": result["objective_value"],
        "status": status,
        "statusCode": CODES[algorithm, result["status"]],
        "transactionid": run.id,
        "requeststarttimestamp": write_time(times.start),
        "requestendtimestamp": write_time(times.end),
    }
    seconds = ((run.timings or {}).get("solve_ms") or 0.0) / 1000
    performance: schemas.Performance = {"algorithm": algorithm, "threads": THREADS, "time": seconds}
    solution: schemas.Solution = {
        "holdings": write_holdings(run, result),
        "metadata": [metadata],
        "performance": [performance],
    }
    return dict(solution) if shape == "documented" else _live(solution)


def write_holdings(run: Run, result: Mapping[str, Any]) -> list[schemas.Holding]:
    """One row an asset of the root, zero ones included."""
    held, optimal, prices = run.inputs["portfolio"]["holdings"], result["holdings"], result["prices"]
    rows = []
    for asset in assets_of(run):
        now, best = held.get(asset, 0.0), optimal.get(asset, 0.0)
        dust = NOTHING * result["value"] / prices[asset]
        best = now if abs(best - now) < dust else 0.0 if abs(best) < dust else best
        rows.append(schemas.Holding(asset=asset, optimizedQuantity=best, optimizedTrade=best - now, quantity=now))
    return rows


def assets_of(run: Run) -> list[str]:
    """Ids of the root's assets; none for a run that was not asked for with such a list."""
    universe: dict[str, list[str]] = run.inputs["strategy"].get("universe") or {}
    return universe.get("ids", [])


def write_time(nanoseconds: int) -> str:
    """Write a moment as the documents do: `2017-08-11T20-20-01.786983655-UTC`."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return f"{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime(seconds))}.{rest:09d}-UTC"


def write_error(request: Request, problem: Problem) -> Response:
    """Errors as the documents print them; `conflict` says more."""
    status = problem.status if problem.status in MISUSED or problem.status >= BROKEN else 400
    unknown = any(one.code == "unknown-asset" for one in problem.faults)
    description = UNKNOWN_ASSET if unknown else FAILED if status == BROKEN else problem.detail
    times = Times(arrived(request.scope), time.time_ns())
    said = [f"{one.pointer}: {one.detail}"[:LONGEST] for one in problem.faults]
    return _error(_body(status, description, request_id(request.scope), times), said, problem.headers)


def _error(body: dict[str, Any], conflict: Sequence[str] = (), headers: Mapping[str, str] | None = None) -> Response:
    said = [one for one in conflict if one]
    extended = body | ({"conflict": said} if said else {})
    return JSONResponse(extended, status_code=int(body["httpcode"]), headers=dict(headers or {}))


def _body(status: int, description: str, transaction: str, times: Times) -> dict[str, Any]:
    return {
        "description": description[:LONGEST],
        "httpcode": float(status),
        "requestendtimestamp": write_time(times.end),
        "requeststarttimestamp": write_time(times.start),
        "transactionid": transaction,
    }


def _live(solution: schemas.Solution) -> dict[str, Any]:
    metadata, performance = solution["metadata"][0], solution["performance"][0]
    return {
        "Holdings": [{_capital(key): value for key, value in row.items()} for row in solution["holdings"]],
        "Metadata": {
            "Status": metadata["status"],
            "Message": metadata["message"],
            "StatusCode": metadata["statusCode"],
            "ObjectiveValue": metadata["objectiveValue"],
            "TransactionID": metadata["transactionid"],
            "RequestStartTimestamp": metadata["requeststarttimestamp"],
            "RequestEndTimestamp": metadata["requestendtimestamp"],
        },
        "Performance": {
            "Algorithm": performance["algorithm"],
            "Threads": performance["threads"],
            "Time": performance["time"],
        },
    }


def _capital(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}"
