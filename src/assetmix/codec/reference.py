"""What documents may say, for people and forms: every kind with its words, and every field with its unit and bounds."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from assetmix.codec.documents import Codec
from assetmix.estimation.spec_check import MOST_WEIGHT as LARGEST_WEIGHT
from assetmix.estimation.spec_check import RANGES
from assetmix.estimation.specs import ForecastSpec, RiskSpec
from assetmix.optimization.check import MOST_COUNT, MOST_FACTOR, MOST_MONEY, MOST_WEIGHT
from assetmix.optimization.constraints.participation import LONGEST_WINDOW as LONGEST_VOLUMES
from assetmix.optimization.overlay import overlay
from assetmix.optimization.rules.inverse_atr import LONGEST_WINDOW as LONGEST_RANGES

JSON = dict[str, Any]
TAGS = ("kind", "rule")
"""Fields that say which kind a document is of."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Unit and bounds of a field's figures; of a list or mapping, of each figure in it.

    `only` is a property that a measure must have to stand in the field.
    """

    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    only: str | None = None

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds that there are, by name."""
        ends = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum")
        return {name: end for name in ends if (end := getattr(self, name)) is not None}


WEIGHTS = Facts("fraction of value")
OF_VALUE = Facts("fraction of value", -MOST_WEIGHT, MOST_WEIGHT)
SIZE = Facts("fraction of value", 0.0)
AMOUNT = Facts("money", -MOST_MONEY, MOST_MONEY)
CHOICE = Facts()


def _ranged(name: str, unit: str | None) -> Facts:
    low, high = RANGES[name]
    return Facts(unit, low, high)


FACTS: Mapping[str, Facts] = {
    "attribute": CHOICE,
    "benchmark": WEIGHTS,
    "budgets": Facts("fraction of risk", exclusive_minimum=0.0),
    "centered": CHOICE,
    "count": Facts("instruments", 0.0, MOST_COUNT),
    "covariance": CHOICE,
    "distribution": CHOICE,
    "expected_return": Facts("return"),
    "expected_returns": Facts("return"),
    "factors": _ranged("factors", "factors"),
    "frequency": CHOICE,
    "gross_upper": SIZE,
    "grouping": CHOICE,
    "half_life": _ranged("half_life", "periods"),
    "horizon": Facts("rows", 1.0),
    "horizon_days": _ranged("horizon_days", "calendar days"),
    "ids": CHOICE,
    "level": Facts("confidence", 0.0, exclusive_maximum=1.0),
    "levels": Facts("confidence", 0.0, exclusive_maximum=1.0),
    "lower": OF_VALUE,
    "lower_amount": AMOUNT,
    "lower_fraction": WEIGHTS,
    "measure": CHOICE,
    "minus": CHOICE,
    "name": CHOICE,
    "net_lower": WEIGHTS,
    "net_upper": WEIGHTS,
    "penalty": Facts("objective per unit of breach", 1 / MOST_FACTOR, MOST_FACTOR),
    "prior_weights": Facts("fraction of value", -LARGEST_WEIGHT, LARGEST_WEIGHT),
    "risk": CHOICE,
    "risk_aversion": _ranged("risk_aversion", None),
    "risk_free": Facts("return"),
    "scope": CHOICE,
    "tag": CHOICE,
    "target": Facts("return per row"),
    "tau": _ranged("tau", None),
    "upper": OF_VALUE,
    "upper_amount": AMOUNT,
    "upper_fraction": WEIGHTS,
    "variance": _ranged("variance", "squared return"),
    "views": CHOICE,
    "weights": WEIGHTS,
    "window": _ranged("window", "returns"),
    "within": CHOICE,
}
"""Facts by the name of a field, which means the same in every kind."""

OVERLAY_UNITS = {
    "count": "instruments",
    "fraction": "fraction of price",
    "multiple": "average true ranges",
    "skip": "sessions",
    "target": "volatility a year",
    "window": "sessions",
}

SPECIAL: Mapping[str, Facts] = (
    {
        "attribute_average.lower": Facts("that of the attribute", -MOST_WEIGHT, MOST_WEIGHT),
        "attribute_average.upper": Facts("that of the attribute", -MOST_WEIGHT, MOST_WEIGHT),
        "cvar_mixture.weights": Facts(None, 0.0),
        "equilibrium.weights": Facts("fraction of value", -LARGEST_WEIGHT, LARGEST_WEIGHT),
        "group_volatility.upper": Facts("standard deviation of returns", 0.0, MOST_WEIGHT),
        "inverse_atr.window": Facts("sessions", 1.0, LONGEST_RANGES),
        "max_trades.count": Facts("trades", 0.0, MOST_COUNT),
        "measure_limit.lower": Facts("that of the measure", -MOST_WEIGHT, MOST_WEIGHT),
        "measure_limit.upper": Facts("that of the measure", -MOST_WEIGHT, MOST_WEIGHT),
        "participation.upper": Facts("fraction of daily volume", 0.0, MOST_WEIGHT),
        "participation.window": Facts("sessions", 1.0, LONGEST_VOLUMES),
        "return_risk_ratio.risk": Facts(only="degree_one_risk"),
        "risk_parity.measure": Facts(only="degree_one_risk"),
        "value_at_risk.level": Facts("confidence", exclusive_minimum=0.0, exclusive_maximum=1.0),
        "view.expected_return": Facts("return", -LARGEST_WEIGHT, LARGEST_WEIGHT),
        "view.weights": Facts("fraction of value", -LARGEST_WEIGHT, LARGEST_WEIGHT),
    }
    | {
        f"{kind}_band.{end}_{unit}": Facts("money" if unit == "amount" else "fraction of value", 0.0)
        for kind in ("position", "order")
        for end in ("lower", "upper")
        for unit in ("fraction", "amount")
    }
    | {
        f"{kind}.{name}": Facts(OVERLAY_UNITS[name], low, high)
        for kind, cls in overlay.kinds.items()
        for name, low, high in cls.bounds
    }
)
"""Facts of the fields of single kinds that differ from those of their name."""


def _specs(union: Any) -> Mapping[str, type[Any]]:  # noqa: ANN401 - an alias of types
    return {tag[1] if (tag := tag_of(spec)) else "named": spec for spec in get_args(union)}


def tag_of(cls: type[Any]) -> tuple[str, str] | None:
    """Field and value that say which kind a class is; None for one that is known by its fields."""
    fields = cls.__dataclass_fields__
    return next(((name, fields[name].default) for name in TAGS if name in fields), None)


RISK_MODELS: Mapping[str, type[Any]] = _specs(RiskSpec)
"""Risk models that a strategy may name, by kind; the uploaded one has none of its own."""

FORECASTS: Mapping[str, type[Any]] = _specs(ForecastSpec)
"""Forecasts that a strategy may name, by kind."""


def describe(kind: str, cls: type[Any]) -> JSON:
    """Describe a kind of document: its words, the fields that a caller fills in, and what to begin with.

    Returns
    -------
    JSON with `kind`, `summary`, `details`, `source`, `template` (the object to add fields to)
    and `fields`
    """
    schema = Codec(cls).adapter.json_schema()
    definitions = schema.get("$defs", {})
    own = _resolved(schema, definitions)
    tag = tag_of(cls)
    template = {} if tag is None else {tag[0]: tag[1]}
    return {"kind": kind, **_words(own["description"]), "template": template, "fields": _fields(kind, own, definitions)}


def facts_of(kind: str, field: str) -> Facts:
    """Facts of a field of a kind; a field without any is an error in this table."""
    return SPECIAL.get(f"{kind}.{field}") or FACTS[field]


def _words(docstring: str) -> JSON:
    paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(docstring).split("\n\n")]
    summary, *rest = re.split(r"(?<=\.) (?=[A-Z])", paragraphs[0], maxsplit=1)
    source = [part.removeprefix("Source: ") for part in paragraphs if part.startswith("Source: ")]
    details = [*rest, *(part for part in paragraphs[1:] if not part.startswith("Source: "))]
    return {"summary": summary, "details": "\n\n".join(details), "source": source[0] if source else None}


def _fields(kind: str, schema: JSON, definitions: JSON) -> list[JSON]:
    required = schema.get("required", [])
    made = [_field(kind, name, node, definitions) for name, node in schema["properties"].items() if name not in TAGS]
    for field in made:
        field["required"] = field["name"] in required
        if field["type"] == "mapping" and not field["required"]:
            field["default"] = {}  # made by a factory, which a schema does not tell
    return made


def _field(kind: str, name: str, node: JSON, definitions: JSON) -> JSON:
    options = [one for one in node.get("anyOf", [node]) if one.get("type") != "null"]
    shape = _shape(options[0], definitions) if len(options) == 1 else _scope(options, definitions)
    facts = facts_of(kind, name)
    nullable = len(options) < len(node.get("anyOf", [node]))
    about = {"nullable": nullable, "default": node.get("default"), "unit": facts.unit, "bounds": facts.bounds}
    return {"name": name, **shape, **about} | ({"only": facts.only} if facts.only else {})


def _scope(options: list[JSON], definitions: JSON) -> JSON:
    words = [one["const"] for one in options if "const" in one]
    return {"type": "scope", "choices": words, "forms": [_shape(one, definitions) for one in options if "$ref" in one]}


def _shape(node: JSON, definitions: JSON) -> JSON:
    if "discriminator" in node:
        return {"type": "measure"}
    if "$ref" in node:
        inner = _resolved(node, definitions)
        fields = _fields(inner["title"].lower(), inner, definitions)
        return {"type": "record", "title": inner["title"], **_words(inner["description"]), "fields": fields}
    if "enum" in node:
        return {"type": "choice", "choices": node["enum"]}
    return _plain(node, definitions)


def _plain(node: JSON, definitions: JSON) -> JSON:
    match node["type"]:
        case "array":
            return {"type": "list", "items": _shape(node["items"], definitions)}
        case "object":
            return {"type": "mapping", "values": _shape(node["additionalProperties"], definitions)}
        case other:
            return {"type": other}


def _resolved(node: JSON, definitions: JSON) -> JSON:
    found: JSON = definitions[node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
    return found
