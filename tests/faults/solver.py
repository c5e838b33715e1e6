"""A solver process that misbehaves on certain questions: an amount of cash flow says how.

Run in place of `assetmix.jobs.solver_main`, with the same arguments.
"""

import os
import signal
import sys
import time
from typing import Any

import numpy as np

from assetmix.jobs import batching, solver_main

ENDLESS, SEGFAULT, SUICIDE, HUNGRY, GREEDY, SLOW, BRIEF = 0.0101, 0.0102, 0.0103, 0.0104, 0.0105, 0.0106, 0.0107
"""Cash flows that nobody would send."""

SLOW_SECONDS, BRIEF_SECONDS = 2.0, 0.2


def endless() -> None:
    """Hold the interpreter in C code and never come back."""
    sum(iter(lambda: 0, 1))


def hungry() -> None:
    """Take more and more memory, a piece at a time."""
    kept: list[Any] = []
    while True:
        kept.append(np.ones(2**22))
        time.sleep(0.005)


def greedy() -> None:
    """Ask for far too much memory at once, as a dense problem of a hundred thousand instruments would."""
    np.ones((100_000, 100_000))


DEEDS = {
    ENDLESS: endless,
    SEGFAULT: lambda: os.kill(os.getpid(), signal.SIGSEGV),
    SUICIDE: lambda: os.kill(os.getpid(), signal.SIGKILL),
    HUNGRY: hungry,
    GREEDY: greedy,
    SLOW: lambda: time.sleep(SLOW_SECONDS),
    BRIEF: lambda: time.sleep(BRIEF_SECONDS),
}

_worked_out = solver_main._worked_out
_answer = batching.answer


def misbehave(question: Any, header: dict[str, Any], *others: Any) -> Any:
    """Do what the question asks for, then answer it."""
    deed = DEEDS.get(round(header["inputs"]["cash_flow"] % 1, 4))
    if deed is not None:
        deed()
    return _worked_out(question, header, *others)


def misbehave_over(question: Any, *others: Any) -> Any:
    """Do what the cash of an account of a batch asks for, then answer it."""
    deed = DEEDS.get(round(question.portfolio.cash % 1, 4))
    if deed is not None:
        deed()
    return _answer(question, *others)


if __name__ == "__main__":
    batching.answer = misbehave_over
    solver_main._worked_out = misbehave
    sys.exit(solver_main.main())
