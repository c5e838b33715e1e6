"""Every error as a response: one table from error class to status, one body a dialect.

Native bodies are problem details (RFC 9457). No body ever repeats what was sent.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from assetmix import errors
from assetmix.api.context import request_id
from assetmix.errors import Error, Fault

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

LONGEST = 300
"""Characters of a pointer or sentence: a name of half a megabyte is not given back."""

STATUS: Mapping[type[Error], int] = {
    errors.NotFound: 404,
    errors.PreconditionFailed: 412,
    errors.PreconditionRequired: 428,
    errors.QuotaExceeded: 429,
    errors.Conflict: 409,
    errors.Unauthenticated: 401,
    errors.NotAllowed: 403,
    errors.Malformed: 400,
    errors.InvalidRequest: 422,
    errors.Unavailable: 503,
    errors.SolverFailed: 500,
}

HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="assetmix"'},
    503: {"Retry-After": "2"},
}

RETRY = {"idempotency-key-in-progress": "1", "optimization-in-progress": "2"}
"""Seconds after which a refused request may succeed, by its code."""

RETRYABLE = {429, 503}

CODES: Mapping[int, str] = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "payload-too-large",
    415: "unsupported-media-type",
    431: "headers-too-large",
    500: "internal-error",
}


class Problem(Exception):
    """What is wrong with a call, ready to be written by any dialect."""

    def __init__(self, status: int, code: str, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults
        self.headers: dict[str, str] = dict(HEADERS.get(status, {}))
        if code in RETRY:
            self.headers["Retry-After"] = RETRY[code]


Writer = Callable[[Request, Problem], Response]


def write_problem(request: Request, problem: Problem) -> Response:
    """Write problem details."""
    return JSONResponse(
        document(problem, request_id(request.scope)),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def document(problem: Problem, request: str) -> dict[str, Any]:
    """Give the body of a problem."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": problem.code.replace("-", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail[:LONGEST],
        "request_id": request,
        "retryable": problem.status in RETRYABLE or problem.code in RETRY,
    }
    if problem.faults:
        body["errors"] = [
            {"pointer": one.pointer[:LONGEST], "code": one.code, "detail": one.detail[:LONGEST]}
            for one in problem.faults
        ]
    return body


def problem_of(error: Exception) -> Problem:
    """Translate any exception."""
    match error:
        case Problem():
            return error
        case Error():
            return _own_problem(error)
        case RequestValidationError():
            faults = tuple(_parameter_fault(one) for one in error.errors()[:20])
            return Problem(400, "invalid-parameter", "a parameter of the query or path cannot be used", faults)
        case HTTPException():
            return _framework_problem(error)
        case _:
            return Problem(500, "internal-error", "Something went wrong on our side; the request id helps to find it.")


def install(app: FastAPI, writers: Mapping[str, Writer], allowed: Callable[[str], list[str]]) -> None:
    """Answer every error in the dialect of the route it came from; native where there is none.

    `allowed` gives the methods of an address: the framework knows only those of the first route that fits.
    """

    async def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if "Allow" in problem.headers:
            problem.headers["Allow"] = ", ".join(allowed(request.scope["path"]))
        if problem.status == 500:  # noqa: PLR2004 - our own faults are logged, nobody else's
            log.error("request %s failed", request_id(request.scope), exc_info=error)
        return _writer(request, writers)(request, problem)

    for kind in (Problem, Error, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def _writer(request: Request, writers: Mapping[str, Writer]) -> Writer:
    tags = getattr(request.scope.get("route"), "tags", None) or [""]
    return writers.get(str(tags[0]), write_problem)


def _own_problem(error: Error) -> Problem:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    problem = Problem(status, error.code, error.message, error.faults)
    if isinstance(error, errors.QuotaExceeded):
        problem.headers["Retry-After"] = str(error.seconds)
    return problem


def _framework_problem(error: HTTPException) -> Problem:
    code = CODES.get(error.status_code, "bad-request")
    details = {404: "there is nothing at this address", 405: "this address does not take that method; see Allow"}
    problem = Problem(error.status_code, code, details.get(error.status_code, code.replace("-", " ")))
    problem.headers |= dict(error.headers or {})
    return problem


def _parameter_fault(one: Mapping[str, Any]) -> Fault:
    where = "/".join(str(part) for part in one["loc"][1:])
    return Fault(f"/{where}", str(one["type"]), str(one["msg"]))
