"""The solver process: questions come in over the pipe, answers go out, one at a time.

It keeps snapshots and compiled problems alive between questions. It may be killed at any time;
nothing that matters is kept here.
"""

import ctypes
import gc
import logging
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from assetmix.codec.documents import PORTFOLIO, RESULT, STRATEGY
from assetmix.codec.snapshots import read_snapshot
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Error
from assetmix.jobs.frames import Frame, read_frame
from assetmix.optimization.answer import answer
from assetmix.optimization.memory import Memory
from assetmix.optimization.rehearsal import rehearse
from assetmix.optimization.resolve import Question

log = logging.getLogger(__name__)

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def main() -> None:
    """Serve questions on standard input until it is closed."""
    parent, memory_mb, kept = (int(argument) for argument in sys.argv[1:4])
    _die_with(parent)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a solver prints must not come between the answers
    rehearse()
    gc.collect()
    gc.freeze()  # what is loaded stays; the collector need not look at it again and again
    _limit_memory(memory_mb)
    answers.write(Frame({"ready": True}).pack())
    serve(sys.stdin.buffer, answers, kept)


def serve(questions: BinaryIO, answers: BinaryIO, kept: int) -> None:
    """Answer frame after frame; a snapshot that is not known is asked for first."""
    memory = Memory(4 * kept)
    snapshots = Memory(kept)
    while (frame := read_frame(questions)) is not None:
        key = frame.header["snapshot_digest"]
        if key not in snapshots:
            answers.write(Frame({"need": key}).pack())
            sent = read_frame(questions)
            if sent is None:
                return
            snapshots.keep(key, read_snapshot(sent.body))
        snapshot = snapshots.recall(key, _never)
        answers.write(_answer(frame.header, snapshot, memory).pack())


def _answer(header: dict[str, Any], snapshot: Snapshot, memory: Memory) -> Frame:
    clock = Laps()
    deadline = time.monotonic() + header["seconds"]
    try:
        question = _question(header, snapshot)
        result = answer(question, memory, lambda: deadline - time.monotonic(), clock.mark)
    except Error as error:
        faults = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in error.faults]
        return Frame({"error": {"code": error.code, "detail": error.message, "errors": faults}})
    except MemoryError:
        return Frame(
            {"error": {"code": "resource-limit", "detail": "The problem needs more memory than a run may use."}}
        )
    except Exception:
        log.exception("a question could not be answered")
        return Frame({"error": {"code": "internal-error", "detail": "The run failed for a reason of our own."}})
    return Frame({"status": result.status, "timings": clock.laps}, RESULT.text(result))


def _question(header: dict[str, Any], snapshot: Snapshot) -> Question:
    inputs = header["inputs"]
    return Question(
        strategy=STRATEGY.read_value(inputs["strategy"]),
        portfolio=PORTFOLIO.read_value(inputs["portfolio"]),
        snapshot=snapshot,
        strategy_key=inputs["strategy_key"],
        snapshot_key=header["snapshot_digest"],
        cash_flow=inputs["cash_flow"],
    )


class Laps:
    """Milliseconds of each stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def mark(self, stage: str) -> None:
        """Note that a stage has ended."""
        now = time.perf_counter()
        self.laps[f"{stage}_ms"] = round(1000 * (now - self._last), 3)
        self._last = now


def _never() -> Snapshot:
    raise AssertionError("a snapshot is kept before it is recalled")


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _limit_memory(megabytes: int) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _linux() else 0
    if used:
        limit = used + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _linux() -> bool:
    return sys.platform == "linux"


if __name__ == "__main__":
    main()
