"""Errors as the documents print them."""

from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from assetmix.api.context import request_id
from assetmix.api.problems import Problem
from assetmix.clock import now

TYPES = {"unknown_field": "value_error.extra", "missing": "value_error.missing"}
"""Kinds of faults that the documents have a name for; others are value errors of our own name."""

BAD_REQUEST, VALIDATION = 400, 422


def write_error(request: Request, problem: Problem) -> Response:
    """Write an error: what does not fit the schema is a bad request, what cannot be done a validation error."""
    identity = request_id(request.scope)
    title = problem.code.replace("-", " ").capitalize()
    status = BAD_REQUEST if _is_misshapen(problem) else problem.status
    if problem.faults:
        detail = [
            {
                "loc": _location(one.pointer),
                "msg": one.detail,
                "type": TYPES.get(one.code, f"value_error.{one.code.replace('-', '_')}"),
            }
            for one in problem.faults
        ]
        body: dict[str, Any] = {"title": title, "detail": detail, "status": status, "body": None}
    else:
        body = {"title": title, "description": problem.detail, "request_id": identity, "timestamp": now().isoformat()}
    return JSONResponse(body, status_code=status, headers=problem.headers)


def _is_misshapen(problem: Problem) -> bool:
    """Whether the body does not fit its schema: then the codes of its faults are those of the codec."""
    return problem.status == VALIDATION and any("_" in one.code or one.code in TYPES for one in problem.faults)


def _location(pointer: str) -> list[str]:
    if pointer in {"/query", "/limit", "/offset", "/embed"}:
        return ["query", pointer.strip("/")]
    return ["body", *pointer.strip("/").split("/")] if pointer.strip("/") else ["body"]
