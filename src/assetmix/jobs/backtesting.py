"""Backtests in the solver process: walked part by part, each handed over as soon as it is full."""

import time
from collections.abc import Callable

from assetmix.backtest.adviser import Tools
from assetmix.backtest.parts import Part, begun, finished, further, parts, resumed, share
from assetmix.backtest.run import Plan, checked_plan
from assetmix.backtest.spec import BacktestSpec
from assetmix.codec.backtests import pack_path, unpack_path, write_backtest, write_decisions
from assetmix.jobs.frames import Frame
from assetmix.optimization.resolve import Question

MOST_DECISIONS = 256
"""Decisions of a part at most; those of a hundred instruments are two megabytes."""

PART_SECONDS = 1.0
"""After so long a part is handed over, however short it is: no more is lost with a worker."""


def walk_on(
    question: Question, spec: BacktestSpec, walked: bytes, tools: Tools, tell: Callable[[Frame], object]
) -> bytes:
    """Walk on from what was walked before, hand over part after part, and give the whole as JSON text.

    Raises
    ------
    InvalidRequest
        when the backtest cannot begin
    OutOfTime
        when the time allowed is over before the end
    """
    ready = checked_plan(question, spec, tools)
    so_far = resumed(ready, unpack_path(walked)) if walked else begun(ready)
    clock = _Clock()
    for part in parts(ready, so_far, clock.is_full):
        tell(_frame(ready, part, len(so_far.rebalances)))
        so_far = further(ready, so_far, part)
        clock = clock.started()
    return write_backtest(finished(ready, so_far))


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
    return Frame({"part": named, "progress": share(ready, part.standing.place)}, path + decisions)
