"""One example of every registered measure and constraint; a kind without one fails the build."""

from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization.constraint import Constraint, constraint
from assetmix.optimization.measure import Measure, measure
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.measures.volatility import Volatility
from assetmix.optimization.scope import Group, Ids

REGISTERED = (_constraints, _measures)

TECHNOLOGY = Group(grouping="sectors", name="technology", within="stocks")
ENERGY = Group(grouping="sectors", name="energy", within="stocks")
STOCKS = Group(grouping="asset_classes", name="stocks")

_FIELDS: dict[str, list[dict[str, object]]] = {
    "attribute_average": [{"attribute": "score"}],
    "group_return": [{"scope": TECHNOLOGY}],
    "group_weight": [{"scope": TECHNOLOGY}, {"scope": TECHNOLOGY, "within": STOCKS, "name": "technology of stocks"}],
    "return_risk_ratio": [{"risk": Volatility()}, {"risk": ConditionalValueAtRisk(level=0.8), "name": "to the tail"}],
    "cdar": [{}, {"level": 0.5, "name": "half of the drawdowns"}, {"level": 0.0, "name": "mean drawdown"}],
    "cvar": [
        {},
        {"level": 0.9, "name": "shallow"},
        {"level": 0.0, "name": "mean loss"},
        {"distribution": "normal", "name": "normal"},
    ],
    "cvar_mixture": [{"levels": (0.5, 0.9, 0.97), "weights": (0.2, 0.3, 1.5)}],
    "downside_deviation": [{}, {"target": 0.002, "name": "below a target"}],
    "entropic_value_at_risk": [
        {},
        {"level": 0.3, "name": "shallow tilt"},
        {"level": 0.99, "name": "worst loss"},
        {"level": 0.0, "name": "no tilt"},
    ],
    "ivar": [{}, {"horizon": 10, "name": "two weeks"}],
    "tracking_error": [{}, {"centered": False, "name": "about zero"}, {"benchmark": {"S00": 1.0}, "name": "to S00"}],
    "tracking_error_squared": [{}, {"centered": False, "name": "about zero squared"}],
    "value_at_risk": [{}, {"distribution": "normal", "name": "normal quantile"}],
}

_CONSTRAINTS: dict[str, list[dict[str, object]]] = {
    "weight_bounds": [
        {"upper": 0.5},
        {"lower": 0.05, "upper": 0.6},
        {"scope": Ids(ids=("S00", "S01")), "upper": 0.2},
        {"scope": Ids(ids=("S00",)), "lower": 0.1, "upper": 0.1},
    ],
    "group_weight": [
        {"scope": TECHNOLOGY, "upper": 0.4},
        {"scope": TECHNOLOGY, "within": STOCKS, "upper": 0.4},
        {"scope": TECHNOLOGY, "within": STOCKS, "lower": 0.3, "upper": 0.3},
        {"scope": TECHNOLOGY, "lower": 0.5},
    ],
    "group_difference": [
        {"scope": TECHNOLOGY, "minus": ENERGY, "lower": 0.1, "upper": 0.3},
        {"scope": TECHNOLOGY, "minus": ENERGY, "lower": 0.2, "upper": 0.2},
        {"scope": STOCKS, "minus": Ids(ids=("S00",)), "upper": 0.7},
    ],
    "group_trade": [
        {"scope": TECHNOLOGY, "lower": 0.05},
        {"scope": Ids(ids=("S00", "S01")), "lower": 0.1, "upper": 0.4},
        {"scope": ENERGY, "lower": 0.02, "upper": 0.02},
    ],
    "group_value": [
        {"scope": TECHNOLOGY, "lower_amount": 2_000.0},
        {"scope": ENERGY, "lower_amount": 1_000.0, "upper_amount": 3_000.0},
        {"scope": TECHNOLOGY, "lower_amount": 2_500.0, "upper_amount": 2_500.0},
    ],
    "group_volatility": [{"scope": TECHNOLOGY, "upper": 0.0125}, {"scope": "all", "upper": 0.0125}],
    "trade_bounds": [
        {"lower": -0.3, "upper": 0.3},
        {"scope": Ids(ids=("S00", "S01")), "lower": 0.0},
        {"scope": Ids(ids=("S01",)), "lower": 0.05, "upper": 0.05},
    ],
    "cash": [
        {"lower_fraction": 0.02, "upper_fraction": 0.05},
        {"lower_amount": 500.0},
        {"lower_fraction": 0.1, "upper_fraction": 0.1},
    ],
    "turnover": [{"upper": 0.6}],
    "attribute_average": [{"attribute": "score", "lower": 3.0}, {"attribute": "score", "lower": 2.5, "upper": 2.5}],
    "hold_exactly": [{"weights": {"S00": 0.25, "S01": 0.75}}],
    "leverage": [{"gross_upper": 1.0}, {"net_lower": 0.9, "net_upper": 1.0}],
    "market_neutral": [{}],
    "max_holdings": [{"count": 2}, {"count": 1, "scope": Ids(ids=("S00", "S01"))}],
    "max_trades": [{"count": 3}],
    "min_holdings": [{"count": 5}],
    "must_sell": [{"scope": Ids(ids=("S02",))}],
    "no_buy": [{"scope": Ids(ids=("S01", "S02"))}],
    "no_sell": [{"scope": Ids(ids=("S00",))}],
    "no_trade": [{"scope": Ids(ids=("S02", "S03"))}],
    "order_band": [{"lower_amount": 2_500.0}, {"lower_fraction": 0.05, "upper_fraction": 0.5}],
    "participation": [{"upper": 0.1, "window": 10}],
    "position_band": [{"lower_fraction": 0.2, "upper_fraction": 0.6}, {"lower_amount": 5_000.0}],
    "round_lots": [{"scope": Ids(ids=("S00", "S01"))}],
    "measure_limit": [{"measure": Variance(), "upper": 1.5e-4}],
}

MEASURES: list[Measure] = [
    kind(**fields)  # type: ignore[arg-type]
    for name, kind in measure.kinds.items()
    for fields in _FIELDS.get(name, [{}])
]

CONSTRAINTS: list[Constraint] = [
    constraint.kinds[name](**fields)  # type: ignore[arg-type]
    for name, examples in _CONSTRAINTS.items()
    for fields in examples
]

MISSING = set(constraint.kinds) - set(_CONSTRAINTS)
