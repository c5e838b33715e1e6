"""What a run may compute beside a rebalance."""

from assetmix.codec.documents import FRONTIER_SPEC
from assetmix.errors import Fault
from assetmix.optimization.check import check_strategy
from assetmix.optimization.frontier import FrontierSpec
from assetmix.optimization.strategy import Strategy

JSON = dict[str, object]
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


def described(spec: FrontierSpec) -> JSON:
    """The spec as a run keeps it."""
    return dict(FRONTIER_SPEC.write(spec))
