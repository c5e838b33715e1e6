"""Infeasible questions of every kind, each small enough to see why."""

from dataclasses import replace
from typing import Any

from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.attribute_average import AttributeAverage
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_difference import GroupDifference
from assetmix.optimization.constraints.group_trade import GroupTrade
from assetmix.optimization.constraints.group_value import GroupValue
from assetmix.optimization.constraints.group_volatility import GroupVolatility
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.hold_exactly import HoldExactly
from assetmix.optimization.constraints.leverage import Leverage
from assetmix.optimization.constraints.market_neutral import MarketNeutral
from assetmix.optimization.constraints.max_holdings import MaxHoldings
from assetmix.optimization.constraints.max_trades import MaxTrades
from assetmix.optimization.constraints.measure_limit import MeasureLimit
from assetmix.optimization.constraints.min_holdings import MinHoldings
from assetmix.optimization.constraints.must_sell import MustSell
from assetmix.optimization.constraints.no_buy import NoBuy
from assetmix.optimization.constraints.no_sell import NoSell
from assetmix.optimization.constraints.no_trade import NoTrade
from assetmix.optimization.constraints.order_band import OrderBand
from assetmix.optimization.constraints.participation import Participation
from assetmix.optimization.constraints.position_band import PositionBand
from assetmix.optimization.constraints.round_lots import RoundLots
from assetmix.optimization.constraints.trade_bounds import TradeBounds
from assetmix.optimization.constraints.turnover import TurnoverLimit
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.attribute_average import AttributeAverage as AverageMeasure
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.measures.max_drawdown import MaxDrawdown
from assetmix.optimization.measures.tracking_error import TrackingError
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.measures.volatility import Volatility
from assetmix.optimization.resolve import Question
from assetmix.optimization.scope import Group, Ids
from assetmix.optimization.strategy import Impact, Trading, UniverseById
from tests.makers import make_instrument, make_question, make_snapshot, make_strategy, stock_ids

SNAPSHOT = make_snapshot(count=5, seed=21)
IDS = stock_ids(SNAPSHOT)
CASH_ONLY = Portfolio(base_currency="USD", holdings={"$USD": 100_000.0})
TECHNOLOGY, ENERGY, UTILITIES = (Group(grouping="sectors", name=name) for name in ("technology", "energy", "utilities"))
SEVEN = ("banks", "chemicals", "energy", "health", "software", "telecoms", "utilities")


def some(*positions: int) -> Ids:
    """Stocks by their place."""
    return Ids(ids=tuple(IDS[i] for i in positions))


def account(*weights: float, snapshot: Snapshot = SNAPSHOT) -> Portfolio:
    """An account of 100 000 with these weights in the first stocks, the rest in cash."""
    units = {one.id: 1e5 * w / snapshot.prices[one.id] for one, w in zip(snapshot.instruments, weights, strict=False)}
    return Portfolio(base_currency="USD", holdings={"$USD": 1e5 * (1.0 - sum(weights)), **units})


def ask(
    *constraints: Constraint, held: Portfolio = CASH_ONLY, snapshot: Snapshot = SNAPSHOT, **fields: Any
) -> Question:
    """Least variance under some limits."""
    defaults: dict[str, Any] = {"trading": Trading(lots=False)}
    return make_question(make_strategy(Variance(), constraints=constraints, **(defaults | fields)), snapshot, held)


def charging(**costs: Any) -> Trading:
    """Fractional trades at a cost."""
    return Trading(lots=False, **costs)


def seven_sectors() -> Snapshot:
    """Two stocks in each of seven sectors."""
    base = make_snapshot(count=14, seed=3)
    stocks = tuple(make_instrument(f"S{i:02d}", sector=SEVEN[i % 7]) for i in range(14))
    return replace(base, instruments=(*stocks, base.instruments[-1]))


def fixed(position: int, snapshot: Snapshot = SNAPSHOT) -> Snapshot:
    """The same market where one stock cannot be traded."""
    ones = tuple(replace(one, tradable=one.tradable and i != position) for i, one in enumerate(snapshot.instruments))
    return replace(snapshot, instruments=ones)


def in_lots(lot: float) -> Snapshot:
    """The same market where stocks are traded in lots."""
    ones: list[Instrument] = [replace(one, lot=lot) if one.tradable else one for one in SNAPSHOT.instruments]
    return replace(SNAPSHOT, instruments=tuple(ones))


MIXED = account(0.3, 0.3, 0.2, 0.1, 0.1)
AVERAGE = AverageMeasure(attribute="score")
HARMLESS = tuple(GroupWeight(scope=some(i, (i + k) % 5), upper=0.99) for i in range(5) for k in (1, 2)) + tuple(
    WeightBounds(scope=some(i), upper=0.95 + 0.001 * i) for i in range(5)
)

CLASHES: dict[str, Question] = {
    "seven sectors with a small cap": ask(
        *(GroupWeight(scope=Group(grouping="sectors", name=name), upper=0.05) for name in SEVEN),
        snapshot=seven_sectors(),
    ),
    "caps on single weights": ask(WeightBounds(upper=0.15)),
    "floors of single weights": ask(WeightBounds(lower=0.25)),
    "a floor above a cap": ask(GroupWeight(scope=TECHNOLOGY, lower=0.5), WeightBounds(scope=some(0, 3), upper=0.2)),
    "a difference of groups": ask(
        GroupDifference(scope=TECHNOLOGY, minus=ENERGY, lower=0.5), GroupWeight(scope=ENERGY, lower=0.3)
    ),
    "money in a group": ask(
        GroupValue(scope=TECHNOLOGY, lower_amount=60_000.0), GroupWeight(scope=TECHNOLOGY, upper=0.4)
    ),
    "a group that is to be bought": ask(
        GroupTrade(scope=TECHNOLOGY, lower=0.3), GroupWeight(scope=TECHNOLOGY, upper=0.2), held=CASH_ONLY
    ),
    "small trades": ask(TradeBounds(upper=0.15), held=CASH_ONLY),
    "a quiet group": ask(GroupVolatility(scope=TECHNOLOGY, upper=1e-3), GroupWeight(scope=TECHNOLOGY, lower=0.3)),
    "three sectors": ask(
        GroupWeight(scope=TECHNOLOGY, lower=0.3),
        GroupWeight(scope=ENERGY, lower=0.4),
        GroupWeight(scope=UTILITIES, lower=0.45),
    ),
    "short by order": ask(HoldExactly(weights={"S00": 1.2, "S01": -0.2})),
    "given weights that do not sum to 1": ask(HoldExactly(weights={"S00": 0.5, "S01": 0.4})),
    "what cannot be traded is too large": ask(
        WeightBounds(scope=some(0), upper=0.3), held=account(0.6, 0.4), snapshot=fixed(0)
    ),
    "what cannot be traded must be sold": ask(MustSell(scope=some(0)), held=account(0.6, 0.4), snapshot=fixed(0)),
    "outside the universe and not sold": ask(
        NoSell(scope=some(0)), held=account(0.6, 0.4), universe=UniverseById(ids=IDS[1:])
    ),
    "kept and sold": ask(NoTrade(scope=some(0, 1)), MustSell(scope=some(1)), held=MIXED),
    "wanted and not bought": ask(NoBuy(scope=some(2)), WeightBounds(scope=some(2), lower=0.35), held=MIXED),
    "no trades at all with cash": ask(NoTrade(), held=account(0.3, 0.3)),
    "no way to spend": ask(NoBuy(scope=some(0, 1, 2, 3, 4)), held=account(0.3, 0.3)),
    "neither bought nor sold for cash": ask(NoSell(), Cash(lower_fraction=0.1), held=MIXED),
    "money that is not there": ask(Cash(lower_amount=30_000.0), GroupWeight(scope=TECHNOLOGY, lower=0.8)),
    "turnover too small to sell": ask(TurnoverLimit(upper=0.4), MustSell(scope=some(0)), held=MIXED),
    "turnover too small to invest after costs": ask(
        TurnoverLimit(upper=0.4), held=account(0.3, 0.2), trading=charging(cost_fraction=0.01)
    ),
    "turnover that costs would need": ask(
        TurnoverLimit(upper=0.5),
        Cash(upper_fraction=0.0),
        held=account(0.0, 0.49),
        trading=charging(cost_fraction=0.01),
    ),
    "floors that leave nothing for costs": ask(WeightBounds(lower=0.2), trading=charging(cost_fraction=0.01)),
    "a band of cash that costs use up": ask(
        Cash(lower_fraction=0.1, upper_fraction=0.2),
        GroupWeight(scope=TECHNOLOGY, lower=0.5),
        GroupWeight(scope=ENERGY, lower=0.4),
        trading=charging(cost_fraction=0.02),
    ),
    "fees that floors leave nothing for": ask(WeightBounds(lower=0.199), trading=charging(cost_amount=500.0)),
    "fees and a count": ask(
        MinHoldings(count=5), GroupWeight(scope=TECHNOLOGY, lower=0.97), trading=charging(cost_amount=1_000.0)
    ),
    "a score out of reach": ask(AttributeAverage(attribute="score", lower=3.5), WeightBounds(upper=0.4)),
    "a fixed score out of reach": ask(
        AttributeAverage(attribute="score", lower=3.7, upper=3.7),
        WeightBounds(upper=0.4),
        Cash(lower_fraction=0.1, upper_fraction=0.2),
    ),
    "a score beyond every stock": ask(AttributeAverage(attribute="score", lower=5.0)),
    "a measured score": ask(MeasureLimit(measure=AVERAGE, upper=1.5), GroupWeight(scope=UTILITIES, lower=0.5)),
    "a return out of reach": ask(MeasureLimit(measure=ExpectedReturn(), lower=0.02), WeightBounds(upper=0.6)),
    "a share of a group": ask(
        GroupWeight(scope=TECHNOLOGY, lower=0.2),
        GroupWeight(scope=some(0, 1, 3, 4), upper=0.5),
        GroupWeight(scope=TECHNOLOGY, within=some(0, 1, 3, 4), upper=0.2),
    ),
    "a ratio to a group that is empty": ask(
        GroupWeight(scope=some(0), lower=0.3),
        GroupWeight(scope=some(1), upper=0.0),
        GroupWeight(scope=some(0), within=some(1), upper=0.5),
    ),
    "volatility": ask(MeasureLimit(measure=Volatility(), upper=0.004)),
    "volatility beside a floor": ask(
        MeasureLimit(measure=Volatility(), upper=0.0085), GroupWeight(scope=some(2), lower=0.7)
    ),
    "tracking error": ask(MeasureLimit(measure=TrackingError(), upper=0.003), NoBuy(scope=some(0, 1))),
    "cvar": ask(MeasureLimit(measure=ConditionalValueAtRisk(level=0.9), upper=0.005)),
    "drawdown": ask(MeasureLimit(measure=MaxDrawdown(), upper=0.01), WeightBounds(upper=0.3)),
    "volatility with few holdings": ask(MeasureLimit(measure=Volatility(), upper=0.0075), MaxHoldings(count=1)),
    "long beyond the leverage": ask(Leverage(gross_upper=1.4), GroupWeight(scope=TECHNOLOGY, lower=1.3), shorting=True),
    "net leverage": ask(
        Leverage(net_lower=1.1), WeightBounds(lower=-0.5, upper=0.5), Cash(lower_fraction=0.0), shorting=True
    ),
    "market neutral without shorts": ask(MarketNeutral(), GroupWeight(scope=TECHNOLOGY, lower=0.2)),
    "market neutral with small shorts": ask(
        MarketNeutral(), WeightBounds(lower=-0.1), GroupWeight(scope=some(0, 1), lower=0.5), shorting=True
    ),
    "few holdings with caps": ask(MaxHoldings(count=2), WeightBounds(upper=0.4)),
    "a band of positions": ask(PositionBand(lower_fraction=0.3, upper_fraction=0.32)),
    "a band of positions in money": ask(PositionBand(lower_amount=60_000.0), WeightBounds(upper=0.7)),
    "a band of orders": ask(OrderBand(lower_fraction=0.3, upper_fraction=0.32)),
    "many holdings of some size": ask(MinHoldings(count=4), PositionBand(lower_fraction=0.3)),
    "few trades": ask(MaxTrades(count=1), WeightBounds(upper=0.5)),
    "few trades to sell much": ask(MaxTrades(count=1), MustSell(scope=some(0, 1)), held=MIXED),
    "small orders": ask(
        WeightBounds(scope=some(0), upper=0.28), held=MIXED, trading=charging(min_order_amount=31_000.0)
    ),
    "thin volume": ask(
        Participation(upper=0.01, window=10), WeightBounds(scope=some(0), lower=0.3), Cash(lower_fraction=0.0)
    ),
    "whole lots": ask(RoundLots(), snapshot=in_lots(400.0), universe=UniverseById(ids=IDS[:1])),
    "whole lots of some size": ask(
        RoundLots(scope=some(0)),
        WeightBounds(scope=some(0), lower=0.01, upper=0.02),
        Cash(lower_fraction=0.0),
        snapshot=in_lots(100.0),
    ),
    "two clashes at once": ask(
        WeightBounds(scope=some(0), lower=0.3, name="core"),
        GroupWeight(scope=some(0), upper=0.2),
        GroupWeight(scope=some(1), lower=0.25),
        WeightBounds(scope=some(1), upper=0.1, name="satellite"),
    ),
    "a clash beside many harmless limits": ask(
        *HARMLESS, GroupWeight(scope=UTILITIES, lower=0.4), WeightBounds(scope=some(2), upper=0.3)
    ),
    "an integer clash beside harmless limits": ask(*HARMLESS[8:], MaxHoldings(count=2), WeightBounds(upper=0.4)),
    "limits with the same numbers": ask(
        GroupWeight(scope=some(0, 1), upper=0.3, name="committee"),
        GroupWeight(scope=some(1, 0), upper=0.3, name="mandate"),
        GroupWeight(scope=some(2, 3, 4), upper=0.3, name="committee"),
        GroupWeight(scope=some(0, 1), lower=0.3, name="client"),
    ),
    "impact": ask(WeightBounds(lower=0.2), trading=charging(impact=Impact(coefficient=0.05))),
    "the larger of two costs": ask(
        WeightBounds(lower=0.2), trading=charging(cost_fraction=0.01, cost_amount=100.0, combine="max")
    ),
    "a floor of cash and one of stocks": ask(
        Cash(lower_fraction=0.3, upper_fraction=0.4), WeightBounds(scope=some(0, 1, 2), lower=0.25)
    ),
}
