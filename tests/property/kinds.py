"""One example of every registered measure and constraint; a kind without one fails the build."""

from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization.constraint import Constraint, constraint
from assetmix.optimization.measure import Measure, measure
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.scope import Group, Ids

REGISTERED = (_constraints, _measures)

TECHNOLOGY = Group(grouping="sectors", name="technology", within="stocks")
STOCKS = Group(grouping="asset_classes", name="stocks")

_FIELDS: dict[str, list[dict[str, object]]] = {
    "cvar": [{}, {"level": 0.9, "name": "shallow"}, {"level": 0.0, "name": "mean loss"}],
    "tracking_error": [{}, {"centered": False, "name": "about zero"}, {"benchmark": {"S00": 1.0}, "name": "to S00"}],
    "tracking_error_squared": [{}, {"centered": False, "name": "about zero squared"}],
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
    "cash": [
        {"lower_fraction": 0.02, "upper_fraction": 0.05},
        {"lower_amount": 500.0},
        {"lower_fraction": 0.1, "upper_fraction": 0.1},
    ],
    "turnover": [{"upper": 0.6}],
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
