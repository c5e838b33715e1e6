"""Wire to domain."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from assetmix.api.dialects.ibm.book import Book, open_book
from assetmix.api.dialects.ibm.constraints import NOW, Line, read_constraint
from assetmix.api.dialects.ibm.schemas import MANDATE, Mandate, ObjectiveRow
from assetmix.api.dialects.ibm.spelling import respelled
from assetmix.domain.portfolio import Portfolio
from assetmix.errors import Fault
from assetmix.estimation.specs import HistoricalMean, SampleRisk
from assetmix.optimization.check import MOST_CONSTRAINTS, refuse
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.max_holdings import MaxHoldings
from assetmix.optimization.constraints.max_trades import MaxTrades
from assetmix.optimization.constraints.min_holdings import MinHoldings
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measure import Measure
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.scope import Ids, Scope
from assetmix.optimization.strategy import Objective, Strategy, Term, Trading, UniverseById
from assetmix.services.optimizations import Request
from assetmix.services.preparation import Customary

DAYS = 30.0
CUSTOMARY = Customary(DAYS, SampleRisk(horizon_days=DAYS), HistoricalMean(horizon_days=DAYS))
"""The tenant's default model if it speaks of 30 days, else what the loaded prices say of 30 days."""

SECONDS = 25.0
"""How long a run may take: callers wait for 30."""

GAP = 1e-6
COUNTS = (MaxHoldings, MinHoldings, MaxTrades)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the service; `rows` tells for each constraint which row of the request it comes from."""

    strategy: Strategy
    quantities: dict[str, float]
    cash: float
    rows: tuple[int, ...]

    @property
    def assets(self) -> tuple[str, ...]:
        """Ids of the root's assets."""
        universe = self.strategy.universe
        return universe.ids if isinstance(universe, UniverseById) else ()

    def request(self, base_currency: str) -> Request:
        """The request to optimize."""
        return Request(
            portfolio=Portfolio(base_currency=base_currency, holdings=self.quantities),
            strategy=self.strategy,
            cash_flow=self.cash,
            what_if=True,
            time_limit_seconds=SECONDS,
            gap=GAP,
            customary=CUSTOMARY,
            benchmarks_in_units=True,
        )

    def pointed(self, fault: Fault) -> Fault:
        """Have a fault of the strategy point into the request."""
        parts = fault.pointer.split("/")
        if parts[1:3] == ["strategy", "constraints"] and len(parts) > 3:  # noqa: PLR2004 - its number comes next
            return replace(fault, pointer=f"/constraints/{self.rows[int(parts[3])]}")
        return replace(fault, pointer="/objectives/0" if parts[1:3] == ["strategy", "objective"] else "/portfolios")


def read_mandate(document: object, *, strict: bool) -> Asked:
    """Read a request; in the spellings that IBM's own documents have, unless it is to be read strictly.

    Raises
    ------
    InvalidRequest
        with every fault and its JSON pointer
    """
    mandate = MANDATE.read_given(document if strict else respelled(document))
    book = open_book(mandate.portfolios, strict=strict)
    read = _constraints(mandate, book)
    cash = sum(_cash(mandate, book))
    terms = _terms(mandate, book, strict=strict)
    book.faults.extend(_uncountable(read, book))
    refuse(book.faults)
    return Asked(
        strategy=Strategy(
            objective=Objective(sense=mandate.objectives[0].sense, terms=terms),
            constraints=tuple(one for _, one in read),
            universe=UniverseById(ids=book.assets),
            shorting=True,
            trading=Trading(lots=False),
        ),
        quantities={one.asset: one.quantity for one in book.root.holdings if one.quantity},
        cash=cash,
        rows=tuple(i for i, _ in read),
    )


def _constraints(mandate: Mandate, book: Book) -> list[tuple[int, Constraint]]:
    """Read every row; a request that is too large is refused before it takes time."""
    if len(mandate.constraints) > MOST_CONSTRAINTS:
        detail = f"at most {MOST_CONSTRAINTS} constraints, not {len(mandate.constraints)}"
        refuse([Fault("/constraints", "limit-exceeded", detail)])
    read: list[tuple[int, Constraint]] = []
    for i, row in enumerate(mandate.constraints):
        pointer = f"/constraints/{i}"
        room = MOST_CONSTRAINTS + 1 - len(read)
        read += [(i, one) for one in islice(read_constraint(Line(row, pointer, book)), room)]
        if len(read) > MOST_CONSTRAINTS:
            detail = f"with this row, which stands for several, there are more than {MOST_CONSTRAINTS} constraints"
            refuse([Fault(pointer, "limit-exceeded", detail)])
    return read


def _cash(mandate: Mandate, book: Book) -> Iterator[float]:
    """C7: money that flows in or out; several rows add up."""
    for i, row in enumerate(mandate.constraints):
        if row.CashAdjust is not None:
            if not book.is_root(row.portfolio) or not book.is_root(row.members):
                book.faults.append(Fault(f"/constraints/{i}/portfolio", "not-the-root", "cash flows into the root"))
            yield row.CashAdjust


def _terms(mandate: Mandate, book: Book, *, strict: bool) -> tuple[Term, ...]:
    if len(mandate.objectives) != 1:
        detail = f"there is one objective, not {len(mandate.objectives)}"
        book.faults.append(Fault("/objectives", "one-objective", detail))
        return ()
    row = mandate.objectives[0]
    book.faults.extend(_objective_faults(row, book, strict=strict))
    measure = _measure(row, book)
    return () if measure is None else (Term(measure=measure),)


def _objective_faults(row: ObjectiveRow, book: Book, *, strict: bool) -> Iterator[Fault]:
    if not book.is_root(row.portfolio):
        yield Fault("/objectives/0/portfolio", "not-the-root", "the objective is that of the root")
    if row.timestep is None and strict:
        yield Fault("/objectives/0/timestep", "missing", "an objective of the return is met in 30 days")
    if row.timestep not in {None, DAYS}:
        detail = "a return at timestep 0 is 0; send 30" if row.timestep == NOW else "the timestep of a return is 30"
        yield Fault("/objectives/0/timestep", "not-supported", detail)
    yield from _expectation_faults(row) if row.measure == "expectation" else _risk_faults(row)


def _expectation_faults(row: ObjectiveRow) -> Iterator[Fault]:
    if row.TargetPortfolio is not None:
        yield Fault("/objectives/0/TargetPortfolio", "not-supported", "an expectation is not compared; leave it out")


def _risk_faults(row: ObjectiveRow) -> Iterator[Fault]:
    if row.sense == "maximize":
        yield Fault("/objectives/0/sense", "not-convex", "a risk can only be minimized")
    if row.measure == "tracking error" and row.TargetPortfolio is None:
        yield Fault("/objectives/0/TargetPortfolio", "missing", "name the benchmark that is tracked")


def _measure(row: ObjectiveRow, book: Book) -> Measure | None:
    if row.measure == "expectation":
        return ExpectedReturn()
    if row.TargetPortfolio is None:
        return Variance()
    benchmark = book.benchmark(row.TargetPortfolio, "/objectives/0/TargetPortfolio")
    return None if benchmark is None else TrackingErrorSquared(benchmark=benchmark)


def _uncountable(read: list[tuple[int, Constraint]], book: Book) -> Iterator[Fault]:
    """Counts need to know how large every position may be, from below and above."""
    counted = next((i for i, one in read if isinstance(one, COUNTS)), None)
    if counted is None:
        return
    bounds = [one for _, one in read if isinstance(one, WeightBounds)]
    floors = {key for one in bounds if one.lower is not None for key in _ids(one.scope, book)}
    ceilings = {key for one in bounds if one.upper is not None for key in _ids(one.scope, book)}
    if floors >= set(book.assets):
        ceilings = floors  # what is left of the whole, when no other can be below its floor
    missing = next((key for key in book.assets if key not in floors or key not in ceilings), None)
    if missing is not None:
        side = "lower" if missing not in floors else "upper"
        cure = (
            "to count positions or trades, each asset of the root needs a lower and an upper weight (members, weight)"
        )
        yield Fault(f"/constraints/{counted}", "missing-bound", f"{cure}: {missing} has no {side} one")


def _ids(scope: Scope, book: Book) -> tuple[str, ...]:
    return scope.ids if isinstance(scope, Ids) else book.assets
