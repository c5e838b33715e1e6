"""A policy as a strategy: every block of it is a constraint, a threshold or a rule of trading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assetmix.api.dialects.investsuite.schemas.policy import (
    AlgorithmSettings,
    Band,
    Bands,
    BenchmarkConstraints,
    ExecutionSettings,
    InnerHoldings,
    PolicyBody,
    PortfolioConstraints,
    PortfolioUpdateConstraints,
    Regions,
)
from assetmix.errors import Fault, escape
from assetmix.estimation.specs import DAYS_PER_YEAR, HistoricalMean, SampleRisk
from assetmix.optimization.check import refuse
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.no_buy import NoBuy
from assetmix.optimization.constraints.order_band import OrderBand
from assetmix.optimization.constraints.position_band import PositionBand
from assetmix.optimization.measure import measure
from assetmix.optimization.scope import Group, Ids, Scope
from assetmix.optimization.strategy import (
    Objective,
    Strategy,
    Term,
    Thresholds,
    Trading,
    UniverseById,
    UniverseOfAll,
)

SETTINGS = "/config/algorithm_settings"
CONSTRAINTS = f"{SETTINGS}/portfolio_constraints"
EXECUTION = f"{SETTINGS}/execution_settings"
UPDATES = f"{SETTINGS}/portfolio_update_constraints"

NO_ENDS: Band = [None, None]


@dataclass(frozen=True, slots=True)
class Placed:
    """A constraint, and the pointer of what asks for it."""

    pointer: str
    constraint: Constraint


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """A policy as a strategy; `pointers` are those of its constraints in the policy."""

    strategy: Strategy
    pointers: tuple[str, ...]

    def pointed(self, fault: Fault) -> Fault:
        """Give a fault of the strategy with the pointer of what was sent."""
        first, _, rest = fault.pointer.removeprefix("/strategy").removeprefix("/constraints/").partition("/")
        if first.isdigit() and fault.pointer.removeprefix("/strategy").startswith("/constraints/"):
            return Fault(self.pointers[int(first)], fault.code, fault.detail)
        return Fault(_SENT.get(first or rest.partition("/")[0], SETTINGS), fault.code, fault.detail)


_SENT = {"universe": f"{CONSTRAINTS}/investment_universe", "trading": EXECUTION, "thresholds": UPDATES}


def read_policy(body: PolicyBody) -> ReadPolicy:
    """Read a policy.

    Raises
    ------
    InvalidRequest
        with every band whose least lies above its most
    """
    settings = body.config.algorithm_settings
    refuse([fault for pointer, band in _bands(settings) for fault in _crossed(pointer, band)])
    placed = tuple(_placed(settings))
    return ReadPolicy(_strategy(body.config.algorithm, settings, placed), tuple(one.pointer for one in placed))


def _strategy(algorithm: str, settings: AlgorithmSettings, placed: tuple[Placed, ...]) -> Strategy:
    execution = settings.execution_settings
    risk = SampleRisk(
        window=settings.estimation.window, frequency=settings.estimation.frequency, horizon_days=DAYS_PER_YEAR
    )
    forecast = HistoricalMean(
        window=settings.estimation.window, frequency=settings.estimation.frequency, horizon_days=DAYS_PER_YEAR
    )
    return Strategy(
        objective=_objective(algorithm, settings.risk_aversion),
        constraints=tuple(one.constraint for one in placed),
        universe=_universe(settings.portfolio_constraints),
        benchmark={} if execution.benchmark_id is None else {execution.benchmark_id: 1.0},
        risk_model=risk,
        forecast=forecast if algorithm == "MPT" else None,
        trading=_trading(execution),
        thresholds=_thresholds(settings.portfolio_update_constraints or PortfolioUpdateConstraints()),
    )


def _objective(algorithm: str, risk_aversion: float) -> Objective:
    """IVAR: the iVaR of the whole history. MPT: risk aversion / 2 x variance - expected return, of a year."""
    if algorithm == "IVAR":
        return Objective(sense="minimize", terms=(Term(measure=measure.plain("ivar")),))
    terms = (
        Term(measure=measure.plain("variance"), weight=risk_aversion / 2),
        Term(measure=measure.plain("expected_return"), weight=-1.0),
    )
    return Objective(sense="minimize", terms=terms)


def _universe(constraints: PortfolioConstraints | None) -> UniverseById | UniverseOfAll:
    """What may be held; where only purchases are limited, what is held already may be kept."""
    if constraints is not None and constraints.investment_universe is not None:
        return UniverseById(ids=tuple(constraints.investment_universe))
    if constraints is not None and constraints.buy_universe is not None:
        return UniverseById(ids=tuple(constraints.buy_universe), keep_held=True)
    return UniverseOfAll(all=True)


def _trading(execution: ExecutionSettings) -> Trading:
    least, _ = execution.transaction_amount or NO_ENDS
    return Trading(
        cost_fraction=execution.cost_per_transaction_fraction,
        cost_amount=execution.cost_per_transaction_amount,
        combine="max" if execution.combine_transaction_cost_components == "MAX" else "sum",
        min_order_amount=least or 0.0,
        fractions=execution.fractional_shares,
    )


def _thresholds(updates: PortfolioUpdateConstraints) -> Thresholds:
    fraction, amount = (
        band or NO_ENDS
        for band in (
            (updates.holdings.cash_fraction, updates.holdings.cash_amount) if updates.holdings else (None, None)
        )
    )
    return Thresholds(
        min_value=updates.min_portfolio_value or 0.0,
        improvement=updates.min_portfolio_update_optimality_improvement_fraction or 0.0,
        violation=updates.max_portfolio_constraint_violation_pctpoints or 0.0,
        cash_lower_fraction=fraction[0],
        cash_upper_fraction=fraction[1],
        cash_lower_amount=amount[0],
        cash_upper_amount=amount[1],
    )


def _placed(settings: AlgorithmSettings) -> Iterator[Placed]:
    _, most = settings.execution_settings.transaction_amount or NO_ENDS
    if most is not None:
        yield Placed(f"{EXECUTION}/transaction_amount", OrderBand(upper_amount=most))
    constraints = settings.portfolio_constraints or PortfolioConstraints()
    yield from _groups(constraints)
    yield from _buying(constraints)
    yield from _holdings(constraints.holdings or InnerHoldings())
    yield from _benchmark(settings.benchmark_constraints or BenchmarkConstraints())


def _groups(constraints: PortfolioConstraints) -> Iterator[Placed]:
    """Asset classes are shares of what is invested, everything else a share of its asset class."""
    yield from _bounded("asset_classes", constraints.asset_classes, within="all")
    regions = constraints.regions or Regions()
    for name, bands in (("bonds", regions.bonds), ("stocks", regions.stocks)):
        yield from _bounded(f"regions/{name}", bands, within=_asset_class(name))
    yield from _bounded("bond_types", constraints.bond_types, within=_asset_class("bonds"))
    yield from _bounded("sectors", constraints.sectors, within=_asset_class("stocks"))


def _bounded(block: str, bands: Bands | None, within: Scope) -> Iterator[Placed]:
    grouping = block.partition("/")[0]
    inside = within.name if isinstance(within, Group) else None
    for name, band in _given(bands).items():
        least, most = band
        if least is not None or most is not None:
            scope = Group(grouping=grouping, name=name, within=inside)
            bound = GroupWeight(scope=scope, within=within, lower=least, upper=most)
            yield Placed(f"{CONSTRAINTS}/{block}/{escape(name)}", bound)


def _asset_class(name: str) -> Group:
    return Group(grouping="asset_classes", name=name)


def _buying(constraints: PortfolioConstraints) -> Iterator[Placed]:
    held, bought = constraints.investment_universe, constraints.buy_universe
    if held is not None and bought is not None:
        shut = tuple(key for key in held if key not in set(bought))
        if shut:
            yield Placed(f"{CONSTRAINTS}/buy_universe", NoBuy(scope=Ids(ids=shut)))


def _holdings(holdings: InnerHoldings) -> Iterator[Placed]:
    amount, fraction = holdings.position_amount or NO_ENDS, holdings.position_fraction or NO_ENDS
    if any(end is not None for end in (*amount, *fraction)):
        band = PositionBand(
            lower_amount=amount[0], upper_amount=amount[1], lower_fraction=fraction[0], upper_fraction=fraction[1]
        )
        yield Placed(f"{CONSTRAINTS}/holdings/position_fraction", band)
    amount, fraction = holdings.cash_amount or NO_ENDS, holdings.cash_fraction or NO_ENDS
    cash = Cash(
        lower_amount=amount[0],
        upper_amount=amount[1],
        lower_fraction=0.0 if fraction[0] is None else fraction[0],
        upper_fraction=fraction[1],
    )
    yield Placed(f"{CONSTRAINTS}/holdings/cash_fraction", cash)


def _benchmark(constraints: BenchmarkConstraints) -> Iterator[Placed]:
    for name in ("tracking_error", "active_share"):
        least, most = getattr(constraints, name) or NO_ENDS
        if least is not None or most is not None:
            bound = MeasureLimit(measure=measure.plain(name), lower=least, upper=most)
            yield Placed(f"{SETTINGS}/benchmark_constraints/{name}", bound)


def _given(bands: Bands | None) -> Mapping[str, Band]:
    return {name: band for name, band in (bands or {}).items() if band is not None}


def _bands(settings: AlgorithmSettings) -> Iterator[tuple[str, Band]]:
    """Every band with its pointer."""
    yield from _found(EXECUTION, settings.execution_settings, ("transaction_amount",))
    updates, constraints = settings.portfolio_update_constraints, settings.portfolio_constraints
    yield from _found(f"{UPDATES}/holdings", updates and updates.holdings, ("cash_fraction", "cash_amount"))
    sizes = ("position_amount", "position_fraction", "cash_amount", "cash_fraction")
    yield from _found(f"{CONSTRAINTS}/holdings", constraints and constraints.holdings, sizes)
    yield from _found(f"{SETTINGS}/benchmark_constraints", settings.benchmark_constraints, ("tracking_error",))
    if constraints is not None:
        regions = constraints.regions or Regions()
        blocks = {
            "asset_classes": constraints.asset_classes,
            "bond_types": constraints.bond_types,
            "sectors": constraints.sectors,
            "regions/bonds": regions.bonds,
            "regions/stocks": regions.stocks,
        }
        for block, bands in blocks.items():
            yield from ((f"{CONSTRAINTS}/{block}/{escape(name)}", band) for name, band in _given(bands).items())


def _found(pointer: str, block: object, names: tuple[str, ...]) -> Iterator[tuple[str, Band]]:
    for name in names:
        band = getattr(block, name, None)
        if band is not None:
            yield f"{pointer}/{name}", band


def _crossed(pointer: str, band: Band) -> Iterator[Fault]:
    least, most = band
    if least is not None and most is not None and least > most:
        detail = f"the least {least:g} lies above the most {most:g}; swap them or widen the band"
        yield Fault(pointer, "inconsistent-constraints", detail)
    if least is not None and least < 0:
        yield Fault(f"{pointer}/0", "out-of-range", "a band begins at 0 or above")
