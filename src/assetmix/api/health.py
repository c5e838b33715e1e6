"""Whether the service lives, whether it is ready, and which version it is."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from assetmix import __version__
from assetmix.api.deps import InHouse
from assetmix.errors import Unavailable
from assetmix.services.draining import DRAIN
from assetmix.services.health import database_fault, is_queue_reachable

router = APIRouter(tags=["service"])

READY_SECONDS = 2.0


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answer whenever the process can; asks nothing of anybody else."""
    return {"status": "alive"}


@router.get("/readyz", summary="Can requests be accepted?", responses={503: {"description": "Not ready"}})
async def readyz(inside: InHouse) -> JSONResponse:
    """Ready when the database answers and its tables are those of this version.

    Redis away does not make it unready: accepted runs wait in the database. It is then
    `degraded`.
    """
    if DRAIN.is_on:
        return _status(503, {"status": "draining"})
    try:
        async with asyncio.timeout(READY_SECONDS):
            fault = await database_fault(inside)
    except (Unavailable, TimeoutError):
        return _status(503, {"status": "unready", "database": "away"})
    if fault is not None:
        return _status(503, {"status": "unready", "database": fault})
    queue = await is_queue_reachable(inside)
    return _status(200, {"status": "ready" if queue else "degraded", "queue": "reachable" if queue else "away"})


@router.get("/version", summary="Which version is this?")
async def version() -> dict[str, str]:
    """Name the version."""
    return {"version": __version__}


def _status(code: int, body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(body, status_code=code)
