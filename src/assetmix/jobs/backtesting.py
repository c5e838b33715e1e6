"""Backtests in the solver process: walked part by part, each handed over as soon as it is full."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from assetmix.backtest.adviser import Tools
from assetmix.backtest.decisions import decide, foreseen, ranges_of, steadied
from assetmix.backtest.parts import Part, begun, finished, further, parts, resumed, share
from assetmix.backtest.run import Plan, checked_plan, plan
from assetmix.backtest.spec import BacktestSpec
from assetmix.codec.backtests import (
    pack_decisions,
    pack_path,
    unpack_decisions,
    unpack_path,
    write_backtest,
    write_decisions,
)
from assetmix.codec.payload import opened
from assetmix.jobs.frames import Frame
from assetmix.optimization.resolve import Question

MOST_DECISIONS = 256
"""Decisions of a part at most; those of a hundred instruments are two megabytes."""

FEWEST_DIVIDED, TRIED, WORTH_SECONDS = 16, 2, 1.0
"""Backtests of fewer decisions, or of less work in all, are not divided."""

PART_SECONDS = 1.0
"""After so long a part is handed over, however short it is: no more is lost with a worker."""


@dataclass(frozen=True, slots=True)
class Counter:
    """The other side, while a backtest is walked: frames are told to it, and bytes asked of it.

    `attempt` is 0 where only a range is to be decided.
    """

    tell: Callable[[Frame], object]
    ask: Callable[[str], bytes]
    attempt: int


def walk_on(question: Question, spec: BacktestSpec, tools: Tools, counter: Counter) -> bytes:
    """Walk on from what was walked before, hand over part after part, and give the whole as JSON text.

    Raises
    ------
    InvalidRequest
        when the backtest cannot begin
    OutOfTime
        when the time allowed is over before the end
    """
    ready = checked_plan(question, spec, tools)
    walked = counter.ask("walked") if counter.attempt > 1 else b""
    so_far = resumed(ready, unpack_path(walked)) if walked else begun(ready)
    ready, is_free = steadied(ready, tools.memory)
    ready = _divided(ready, counter, is_wanted=is_free and not walked)
    clock = _Clock()
    for part in parts(ready, so_far, clock.is_full):
        counter.tell(_frame(ready, part, len(so_far.rebalances)))
        so_far = further(ready, so_far, part)
        clock = clock.started()
    return write_backtest(finished(ready, so_far))


def decide_range(question: Question, spec: BacktestSpec, tools: Tools, wanted: tuple[int, int]) -> bytes:
    """Make the decisions of a range, as a payload."""
    return pack_decisions(decide(plan(question, spec, tools), *wanted))


def _divided(ready: Plan, counter: Counter, *, is_wanted: bool) -> Plan:
    """Divide the decisions between whoever has time, where they are independent and worth it; make them together."""
    if is_wanted and _is_worth_it(ready):
        counter.tell(Frame({"kept": True, "ranges": ranges_of(ready)}))
    elif counter.attempt <= 1:
        return ready
    while taken := counter.ask("task"):
        first, last = json.loads(taken)
        counter.tell(Frame({"kept": True, "decided": [first, last]}, pack_decisions(decide(ready, first, last))))
    return foreseen(ready, [unpack_decisions(one) for one in opened(counter.ask("decided"))])


def _is_worth_it(ready: Plan) -> bool:
    """Whether the decisions take so long that dividing them pays: the second ones tell, the first ones warm up."""
    count = len(ready.course.planned())
    if count < FEWEST_DIVIDED:
        return False
    decide(ready, 0, TRIED)
    began = time.monotonic()
    decide(ready, TRIED, 2 * TRIED)
    return (time.monotonic() - began) / TRIED * count > WORTH_SECONDS


class _Clock:
    """Says when a part is to end."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def is_full(self, decisions: int) -> bool:
        """Whether a part with so many decisions is to end."""
        return decisions >= MOST_DECISIONS or time.monotonic() - self._since >= PART_SECONDS

    def started(self) -> "_Clock":
        """Begin to count for the next part."""
        self._since = time.monotonic()
        return self


def _frame(ready: Plan, part: Part, first: int) -> Frame:
    path, decisions = pack_path(ready, part), write_decisions(ready, part)
    named = {"number": part.number, "first": first, "count": len(part.carried), "path": len(path)}
    return Frame({"kept": True, "part": named, "progress": share(ready, part.standing.place)}, path + decisions)
