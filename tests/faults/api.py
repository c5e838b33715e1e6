"""An API process that dies at a named point when a request's header says so.

`X-Die: before-commit` and `X-Die: after-commit`: around the transaction that accepts a run.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from fastapi import FastAPI

from assetmix import app as application
from assetmix import cli
from assetmix.persistence.optimizations import Run
from assetmix.services import optimizations

_point: ContextVar[str] = ContextVar("point", default="")
_store, _ring_for = optimizations.store, optimizations.ring_for

App = Callable[[Any, Any, Any], Awaitable[None]]


def die_at(point: str) -> None:
    """Kill this process if the request asks for it."""
    if _point.get() == point:
        os.kill(os.getpid(), signal.SIGKILL)


async def store(*arguments: Any) -> Run:
    """Store a run in a transaction that may never be committed."""
    run = await _store(*arguments)
    die_at("before-commit")
    return run


def ring_for(house: Any, run: Run) -> None:
    """Ring for a run that was just accepted, unless this is the end."""
    die_at("after-commit")
    _ring_for(house, run)


class Listening:
    """Reads the header."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the request."""
        if scope["type"] == "http":
            _point.set(dict(scope["headers"]).get(b"x-die", b"").decode())
        await self._app(scope, receive, send)


def create_app() -> FastAPI:
    """Make the application, mortal."""
    optimizations.store, optimizations.ring_for = store, ring_for
    made = application.create_app()
    made.add_middleware(Listening)
    return made


if __name__ == "__main__":
    cli.APPLICATION = "tests.faults.api:create_app"
    sys.argv[0] = "assetmix"
    cli.main()
