"""What a run may compute beside a rebalance."""

from dataclasses import replace

from assetmix.backtest.run import faults_of
from assetmix.backtest.spec import BacktestSpec
from assetmix.codec.documents import BACKTEST_SPEC, FRONTIER_SPEC
from assetmix.errors import Fault
from assetmix.estimation.specs import NamedRisk
from assetmix.optimization.check import check_strategy
from assetmix.optimization.frontier import FrontierSpec
from assetmix.optimization.resolve import Question
from assetmix.optimization.scope import Scope
from assetmix.optimization.strategy import Strategy
from assetmix.services.snapshots import Wanted

JSON = dict[str, object]
MOST_CELLS = 10_000_000
"""Prices of a backtest at most: 80 megabytes, two thousand instruments over fourteen years."""

OBJECTIVE = "/strategy/objective/terms/0/measure"


def frontier_faults(strategy: Strategy, spec: FrontierSpec) -> list[Fault]:
    """What is wrong with a frontier of a strategy, in terms of the request's own members."""
    put_together = check_strategy(spec.applied(strategy))
    found = (Fault(f"/strategy{one.pointer}", one.code, one.detail) for one in put_together)
    return [*spec.faults(), *(pointed(one, strategy) for one in found)]


def pointed(fault: Fault, strategy: Strategy) -> Fault:
    """A fault of the strategy that a frontier puts together, with the pointer of what was sent."""
    report = f"/strategy/report/{len(strategy.report)}"
    for inside, sent in ((OBJECTIVE, "/x"), (report, "/y")):
        if fault.pointer.startswith(inside):
            return Fault(sent + fault.pointer.removeprefix(inside), fault.code, fault.detail)
    return fault


def backtest_faults(question: Question, spec: BacktestSpec, elsewhere: frozenset[Scope]) -> list[Fault]:
    """What keeps a backtest from beginning, in terms of the request's own members."""
    if isinstance(question.strategy.risk_model, NamedRisk):
        return [Fault("/strategy/risk_model", "named-risk-model", _NAMED)]
    return faults_of(question, spec, elsewhere)


_NAMED = (
    "an uploaded risk model was not known at the dates of a backtest; give the strategy one that is estimated at "
    'each of them, for example {"kind": "sample", "window": 504}'
)


def for_backtest(want: Wanted, spec: BacktestSpec) -> Wanted:
    """What a backtest needs to know, given what a decision at its end does."""
    rows = None if want.rows is None else want.rows + (spec.end - spec.start).days + 1
    quoted = frozenset({"close"}) if spec.prices == "close" else frozenset()
    return replace(want, as_of=spec.end, rows=rows, extras=want.extras | quoted, most_cells=MOST_CELLS)


def described(spec: FrontierSpec) -> JSON:
    """The spec as a run keeps it."""
    return dict(FRONTIER_SPEC.write(spec))


def described_backtest(spec: BacktestSpec) -> JSON:
    """The spec as a run keeps it."""
    return dict(BACKTEST_SPEC.write(spec))
