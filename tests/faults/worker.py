"""A worker whose solver processes misbehave when told to, and which dies at a named point.

A run whose cash flow is one of these amounts kills its pool child there, at its first attempt.
"""

import os
import signal
import sys
import time
from typing import Any

from assetmix import __main__ as program
from assetmix.jobs import solver_process
from assetmix.persistence import outcomes
from assetmix.persistence.optimizations import Run

BEFORE_COMMIT, AFTER_COMMIT = 0.0201, 0.0202
"""Cash flows of runs whose worker dies after the solve: before its result is stored, and after."""

_finish = outcomes.finish


def die_at(run: Run, amount: float) -> None:
    """Kill this process if the run asks for it and it was not killed for it before."""
    if round(run.inputs["cash_flow"] % 1, 4) == amount and run.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)


async def finish(connection: Any, run: Run, ending: Any) -> Any:
    """Finish, which is a transaction by itself, with a place to die at before it and one after."""
    die_at(run, BEFORE_COMMIT)
    written = await _finish(connection, run, ending)
    die_at(run, AFTER_COMMIT)
    return written


def skew(seconds: float) -> None:
    """Have this process's clock go wrong by so many seconds."""
    right = time.time
    time.time = lambda: right() + seconds


if __name__ == "__main__":
    skew(float(os.environ.get("SKEW_SECONDS", "0")))
    outcomes.finish = finish
    solver_process.MODULE = "tests.faults.solver"
    sys.argv[0] = "assetmix"
    program.main()
