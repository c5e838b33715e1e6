"""The solver process: questions come in over the pipe, answers go out, one at a time.

It keeps snapshots, risk models and compiled problems alive between questions. It may be killed at any time;
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

from assetmix import logs
from assetmix.backtest.adviser import Tools
from assetmix.codec.documents import (
    BACKTEST_SPEC,
    FEASIBILITY,
    FRONTIER,
    FRONTIER_SPEC,
    PORTFOLIO,
    RESULT,
    known_strategy,
)
from assetmix.codec.risk_models import read_model
from assetmix.codec.snapshots import read_snapshot
from assetmix.domain.given_model import GivenModel
from assetmix.domain.snapshot import Snapshot
from assetmix.jobs.backtesting import Counter, decide_range, walk_on
from assetmix.jobs.batching import Batch, answer_chunk
from assetmix.jobs.frames import Frame, read_frame
from assetmix.jobs.problems import problem_of
from assetmix.jobs.resident import resident_mb
from assetmix.optimization.answer import answer
from assetmix.optimization.feasibility import feasibility
from assetmix.optimization.frontier import frontier
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import Remaining
from assetmix.optimization.rehearsal import rehearse
from assetmix.optimization.resolve import Question

log = logging.getLogger(__name__)

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""

KEPT_PART = 0.5
"""Part of the memory allowed to a question beyond which living problems of earlier ones are forgotten."""

SHARE = 0.8
"""Part of the time allowed after which a search ends with what it has; the rest is for the orders."""

MODELS = 4
"""Risk models kept: one of 2,000 instruments has 32 megabytes."""

DEFAULT_GAP = 0.01
"""Gap of runs that were stored before requests had one."""


def main() -> None:
    """Serve questions on standard input until it is closed."""
    parent, memory_mb, kept = (int(argument) for argument in sys.argv[1:4])
    _die_with(parent)
    logs.set_up()
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a solver prints must not come between the answers
    rehearse()
    gc.collect()
    gc.freeze()  # what is loaded stays; the collector need not look at it again and again
    _limit_memory(memory_mb)
    answers.write(Frame({"ready": True}).pack())
    full_mb = memory_mb * KEPT_PART
    serve(sys.stdin.buffer, answers, Memory(4 * kept, lambda: resident_mb() > full_mb), kept)


def serve(questions: BinaryIO, answers: BinaryIO, memory: Memory, kept: int) -> None:
    """Answer frame after frame; a snapshot or risk model that is not known is asked for first."""
    store = Store(questions, answers, kept)
    try:
        while (frame := read_frame(questions)) is not None:
            snapshot = store.snapshot(frame.header["snapshot_digest"])
            model = store.model(frame.header.get("model_digest"))
            desk = Desk(memory, lambda frame: answers.write(frame.pack()), store.ask)
            header = frame.header | {"inputs": from_json(frame.body)}
            said = _chunk if "chunk" in header else _answer
            answers.write(said(header, snapshot, model, desk).pack())
    except Gone:
        log.debug("the worker has gone while it was asked for data")


class Gone(Exception):
    """The other side of the pipe has gone."""


class Store:
    """Snapshots and risk models by digest, asked for when they are not known; a bounded number is kept."""

    def __init__(self, questions: BinaryIO, answers: BinaryIO, kept: int) -> None:
        self._questions = questions
        self._answers = answers
        self._snapshots = Memory(kept)
        self._models = Memory(min(kept, MODELS))

    def snapshot(self, digest: str) -> Snapshot:
        """Give a snapshot."""
        return self._snapshots.recall(digest, lambda: read_snapshot(self.ask("snapshot", digest)))

    def model(self, digest: str | None) -> GivenModel | None:
        """Give a risk model, None where a run uses none that was uploaded."""
        if digest is None:
            return None
        return self._models.recall(digest, lambda: read_model(self.ask("risk_model", digest)))

    def ask(self, what: str, digest: str) -> bytes:
        """Ask the worker for what is named."""
        self._answers.write(Frame({"need": digest, "what": what}).pack())
        sent = read_frame(self._questions)
        if sent is None:
            raise Gone
        return sent.body


@dataclass(frozen=True, slots=True)
class Desk:
    """What an answer is worked out with: living problems, whom to tell how far it is, and whom to ask for more."""

    memory: Memory
    tell: Callable[[Frame], object]
    ask: Callable[[str, str], bytes]

    def progress(self, part: float) -> None:
        """Tell how much is done, 0 to 1."""
        self.tell(Frame({"progress": part}))


@dataclass(frozen=True, slots=True)
class Found:
    """Status and JSON of an answer, and the solver that found it."""

    status: str
    text: bytes
    solver: str = ""
    is_recommended: bool = False


def _chunk(header: dict[str, Any], snapshot: Snapshot, model: GivenModel | None, desk: Desk) -> Frame:
    """Answer the accounts of one chunk of a batch."""
    try:
        return answer_chunk(Batch(header, snapshot, model, desk.memory), header, desk.ask, SHARE)
    except Gone:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the process goes on
        return Frame({"error": problem_of(error)})


def _answer(header: dict[str, Any], snapshot: Snapshot, model: GivenModel | None, desk: Desk) -> Frame:
    clock = Laps()
    deadline = time.monotonic() + SHARE * header["seconds"]
    try:
        question = _question(header, snapshot, model)
        found = _worked_out(question, header, desk, lambda: deadline - time.monotonic(), clock)
    except Exception as error:  # noqa: BLE001 - whatever it is, the process goes on
        return Frame({"error": problem_of(error)})
    if found.status == "decided":
        return Frame({"decided": True}, found.text)
    told = {"status": found.status, "solver": found.solver, "is_recommended": found.is_recommended}
    return Frame(told | {"timings": clock.laps}, found.text)


def _worked_out(question: Question, header: dict[str, Any], desk: Desk, remaining: Remaining, clock: "Laps") -> Found:
    """Answer a question of any kind."""
    inputs = header["inputs"]
    match inputs.get("kind", "optimization"):
        case "frontier":
            spec = FRONTIER_SPEC.read_value(inputs["frontier"])
            drawn = frontier(question, spec, desk.memory, remaining, desk.progress)
            clock.mark("solve")
            return Found(drawn.status, FRONTIER.text(drawn))
        case "backtest":
            return _backtested(question, header, desk, remaining, clock)
        case "feasibility":
            found = feasibility(question, desk.memory, remaining)
            clock.mark("solve")
            return Found(found.status, FEASIBILITY.text(found))
        case _:
            result = answer(question, desk.memory, remaining, clock.mark)
            solver = result.solver.name if result.solver else ""
            if result.solver is not None and result.solver.through is not None:
                clock.copy("solve", f"solve_through_{result.solver.through}")
            wanted = result.recommendation is not None and result.recommendation.is_recommended
            return Found(result.status, RESULT.text(result), solver, wanted)


def _backtested(question: Question, header: dict[str, Any], desk: Desk, remaining: Remaining, clock: "Laps") -> Found:
    """Walk through a backtest, or make the decisions of one range of it."""
    spec, tools = BACKTEST_SPEC.read_value(header["inputs"]["backtest"]), Tools(remaining, desk.memory)
    if "decide" in header:
        first, last = header["decide"]
        return Found("decided", decide_range(question, spec, tools, (first, last)))
    counter = Counter(desk.tell, lambda what: desk.ask(what, header["run"]), header["attempt"])
    text = walk_on(question, spec, tools, counter)
    clock.mark("solve")
    return Found("optimal", text)


def _question(header: dict[str, Any], snapshot: Snapshot, model: GivenModel | None) -> Question:
    inputs = header["inputs"]
    return Question(
        strategy=known_strategy(inputs["strategy_key"], inputs["strategy"]),
        portfolio=PORTFOLIO.read_value(inputs["portfolio"]),
        snapshot=snapshot,
        strategy_key=inputs["strategy_key"],
        snapshot_key=header["snapshot_digest"],
        cash_flow=inputs["cash_flow"],
        model=model,
        model_key=header.get("model_digest") or "",
        gap=inputs.get("gap", DEFAULT_GAP),
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

    def copy(self, stage: str, name: str) -> None:
        """Show a stage under a further name, which says how it went."""
        self.laps[f"{name}_ms"] = self.laps[f"{stage}_ms"]


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _limit_memory(megabytes: int) -> None:
    """Set the last barrier; the worker ends a run at half of it, and says why."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _linux() else 0
    if used:
        limit = used + 2 * megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _linux() -> bool:
    return sys.platform == "linux"


if __name__ == "__main__":
    main()
