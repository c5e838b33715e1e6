"""One row of `constraints` as our constraints: C1 to C12 of the dialect's table in README.md."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from assetmix.api.dialects.ibm.book import Book
from assetmix.api.dialects.ibm.schemas import ConstraintRow
from assetmix.errors import Fault
from assetmix.optimization.check import MOST_ASSETS
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.group_trade import GroupTrade
from assetmix.optimization.constraints.group_value import GroupValue
from assetmix.optimization.constraints.group_volatility import GroupVolatility
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.max_holdings import MaxHoldings
from assetmix.optimization.constraints.max_trades import MaxTrades
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.min_holdings import MinHoldings
from assetmix.optimization.constraints.trade_bounds import TradeBounds
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.group_return import GroupReturn
from assetmix.optimization.measures.tracking_error import TrackingError
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.scope import Ids, Scope

NOW, LATER = 0.0, 30.0
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its place, in the book it speaks of."""

    row: ConstraintRow
    pointer: str
    book: Book

    @property
    def name(self) -> str | None:
        """What the caller calls it, for explanations."""
        return self.row.description[:LONGEST_NAME] if self.row.description else None

    @property
    def constant(self) -> float:
        """The number on the right."""
        return self.row.constant or 0.0

    @property
    def lower(self) -> float | None:
        """The constant where the relation is at least, or equal."""
        return None if self.row.relation == "less-or-equal" else self.constant

    @property
    def upper(self) -> float | None:
        """The constant where the relation is at most, or equal."""
        return None if self.row.relation == "greater-or-equal" else self.constant

    def refuse(self, field: str, detail: str, code: str = "not-supported") -> None:
        """Note a fault of a field."""
        self.book.faults.append(Fault(f"{self.pointer}/{field}", code, detail))

    def scope(self) -> Scope | None:
        """The portfolio that the row speaks of, the root where it names none."""
        field = "members" if self.row.members is not None else "portfolio"
        return self.book.scope(self.row.members or self.row.portfolio, f"{self.pointer}/{field}")


def read_constraint(line: Line) -> Iterator[Constraint]:
    """Give the constraints that a row stands for; its cash is read elsewhere. Faults go to the book."""
    row = line.row
    if row.CashAdjust is not None and row.relation is None and row.constant is None:
        if row.attribute not in {None, "value"}:
            line.refuse("attribute", "a row of cash alone has the attribute value")
        return
    attribute = row.attribute or ("value" if row.CashAdjust is not None else None)
    if attribute is None or not _is_whole(line):
        if attribute is None:
            line.refuse("attribute", "say which attribute is limited", "missing")
        return
    yield from READERS[attribute](line)


def _is_whole(line: Line) -> bool:
    row, before = line.row, len(line.book.faults)
    if row.relation is None:
        line.refuse("relation", "say greater-or-equal, less-or-equal or equal", "missing")
    if row.constant is None:
        line.refuse("constant", "say how much", "missing")
    if row.portfolio is not None and row.members is not None:
        line.refuse("members", "name a portfolio as a whole, or its members each, not both")
    if row.attribute != "return" and row.measure is not None:
        line.refuse("measure", "only a return has a measure")
    if row.timestep not in {None, NOW, LATER}:
        line.refuse("timestep", "a timestep is 0 or 30")
    return len(line.book.faults) == before


def _weight(line: Line) -> Iterator[Constraint]:
    """C1 to C4: the weight of a portfolio in another, or of each of its members."""
    if line.row.portfolio is None and line.row.members is None:
        line.refuse("portfolio", "say whose weight: name a portfolio, or its members", "missing")
        return
    scope = line.scope()
    name = line.row.InPortfolio or (_parent(line) if line.row.members is None else None)
    within = line.book.scope(name, f"{line.pointer}/InPortfolio")
    if scope is None or within is None:
        return
    if line.row.members is None:
        outer = None if within == "all" else within
        yield GroupWeight(name=line.name, scope=scope, within=outer, lower=line.lower, upper=line.upper)
    elif within == "all":
        yield WeightBounds(name=line.name, scope=scope, lower=line.lower, upper=line.upper)
    else:
        yield from (
            GroupWeight(name=line.name, scope=one, within=within, lower=line.lower, upper=line.upper)
            for one in _each(scope, line.book)
        )


def _each(scope: Scope, book: Book) -> list[Scope]:
    return [Ids(ids=(one,)) for one in (scope.ids if isinstance(scope, Ids) else book.assets)]


def _parent(line: Line) -> str | None:
    """A portfolio lies in its parent; what lies in a benchmark is compared with the whole root."""
    named = line.book.rows.get(line.row.portfolio or "")
    parent = None if named is None else line.book.rows.get(named.ParentPortfolio or "")
    return None if parent is None or parent.type == "benchmark" else parent.name


def _count(line: Line) -> Iterator[Constraint]:
    """C5 and C6: how many assets are held."""
    scope = line.scope()
    if scope is None or not _is_number(line):
        return
    count, relation = int(line.constant), line.row.relation
    if relation != "greater-or-equal":
        yield MaxHoldings(name=line.name, count=count, scope=scope)
    if relation != "less-or-equal":
        yield MinHoldings(name=line.name, count=count, scope=scope)


def _trade_count(line: Line) -> Iterator[Constraint]:
    """C12: how many assets are traded."""
    scope = line.scope()
    if line.row.relation != "less-or-equal":
        line.refuse("relation", "the number of trades can only be limited from above: less-or-equal")
    elif scope is not None and _is_number(line):
        yield MaxTrades(name=line.name, count=int(line.constant), scope=scope)


def _is_number(line: Line) -> bool:
    if 0 <= line.constant <= MOST_ASSETS and line.constant == int(line.constant):
        return True
    line.refuse("constant", f"a count is a whole number from 0 to {MOST_ASSETS}", "out-of-range")
    return False


def _trade(line: Line) -> Iterator[Constraint]:
    """C12: what is bought (positive) or sold (negative), in weight; of each member, or of a portfolio together."""
    scope = line.scope()
    if scope is None:
        return
    if line.row.members is None:
        yield GroupTrade(name=line.name, scope=scope, lower=line.lower, upper=line.upper)
    else:
        yield TradeBounds(name=line.name, scope=scope, lower=line.lower, upper=line.upper)


def _value(line: Line) -> Iterator[Constraint]:
    """C11: money in a portfolio, or in each of its members."""
    scope = line.scope()
    if scope is None:
        return
    if line.row.members is None:
        yield GroupValue(name=line.name, scope=scope, lower_amount=line.lower, upper_amount=line.upper)
    else:
        yield from (
            GroupValue(name=line.name, scope=one, lower_amount=line.lower, upper_amount=line.upper)
            for one in _each(scope, line.book)
        )


def _return(line: Line) -> Iterator[Constraint]:
    """C8 to C10: expectation, variance, tracking error of the return over 30 days."""
    row, before = line.row, len(line.book.faults)
    if row.measure is None:
        line.refuse("measure", "say of the return: expectation, variance or tracking error", "missing")
    if row.members is not None:
        line.refuse("members", "a return is that of a portfolio")
    if row.timestep == NOW:
        line.refuse("timestep", "a return at timestep 0 is 0; send 30")
    if row.measure != "tracking error" and not line.book.is_root(row.InPortfolio):
        line.refuse("InPortfolio", "the return of a portfolio is its own; leave InPortfolio out")
    scope = line.scope()
    if scope is not None and row.measure is not None and len(line.book.faults) == before:
        yield from RETURNS[row.measure](line, scope)


def _expectation(line: Line, scope: Scope) -> Iterator[Constraint]:
    """C8: at least, at most or exactly so much; of a part, as if it were a portfolio of its own."""
    if scope == "all":
        yield MeasureLimit(name=line.name, measure=ExpectedReturn(), lower=line.lower, upper=line.upper)
    else:
        measure = GroupReturn(name=f"return of {line.row.portfolio}", scope=scope)
        yield MeasureLimit(name=line.name, measure=measure, lower=line.lower, upper=line.upper)


def _variance(line: Line, scope: Scope) -> Iterator[Constraint]:
    """C9: at most so much; of a part, as if it were a portfolio of its own."""
    if not _is_ceiling(line):
        return
    if line.row.TargetPortfolio is not None:
        yield from _against(line, scope, line.row.TargetPortfolio, squared=True)
    elif scope == "all":
        yield MeasureLimit(name=line.name, measure=Variance(), upper=line.constant)
    else:
        yield GroupVolatility(name=line.name, scope=scope, upper=math.sqrt(line.constant))


def _tracking_error(line: Line, scope: Scope) -> Iterator[Constraint]:
    """C10: a standard deviation, against the benchmark that is named, or the only one."""
    inside = line.book.rows.get(line.row.InPortfolio or "")
    named = line.row.TargetPortfolio or (inside.name if inside is not None and inside.type == "benchmark" else None)
    known = line.book.benchmarks() if named is None else [named]
    if len(known) != 1:
        line.refuse("TargetPortfolio", "name the benchmark; the request has none, or several", "missing")
    elif _is_ceiling(line):
        yield from _against(line, scope, known[0], squared=False)


def _against(line: Line, scope: Scope, name: str, *, squared: bool) -> Iterator[Constraint]:
    benchmark = line.book.benchmark(name, f"{line.pointer}/TargetPortfolio")
    if scope != "all":
        line.refuse("portfolio", "only the root is compared with a benchmark")
    elif benchmark is not None:
        kind = TrackingErrorSquared if squared else TrackingError
        measure = kind(name=f"{'squared ' if squared else ''}tracking error to {name}", benchmark=benchmark)
        yield MeasureLimit(name=line.name, measure=measure, upper=line.constant)


def _is_ceiling(line: Line) -> bool:
    if line.row.relation == "less-or-equal" and line.constant >= 0:
        return True
    line.refuse("relation", "a risk can only be limited from above, at 0 or more: less-or-equal", "not-convex")
    return False


READERS: Mapping[str, Callable[[Line], Iterator[Constraint]]] = MappingProxyType(
    {
        "weight": _weight,
        "count": _count,
        "trade": _trade,
        "trade-count": _trade_count,
        "value": _value,
        "return": _return,
    }
)
RETURNS: Mapping[str, Callable[[Line, Scope], Iterator[Constraint]]] = MappingProxyType(
    {
        "expectation": _expectation,
        "variance": _variance,
        "tracking error": _tracking_error,
    }
)
