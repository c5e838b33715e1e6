"""The registers as callers read them: complete, true to what is refused, and enough to build a document from."""

import json
import math
import re
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest

from assetmix.codec.documents import STRATEGY
from assetmix.codec.reference import FACTS, FORECASTS, RISK_MODELS, SPECIAL
from assetmix.errors import NotFound
from assetmix.estimation.specs import ForecastSpec, RiskSpec
from assetmix.optimization.check import check_strategy
from assetmix.optimization.constraint import constraint
from assetmix.optimization.measure import measure
from assetmix.optimization.overlay import overlay
from assetmix.optimization.result import Result
from assetmix.optimization.rule import rule
from assetmix.persistence.run_rows import optimizations
from assetmix.services.reference import REGISTERS, RESULT_STATUSES, RUN_STATUSES, entries

JSON = dict[str, Any]
KINDS = [(register, entry) for register in list(REGISTERS)[:6] for entry in entries(register)]
FAR = 1e9
PLAIN: dict[str, Any] = {
    "number": 0.5,
    "integer": 5,
    "string": "x",
    "boolean": True,
    "scope": "all",
    "measure": {"kind": "volatility"},
}
PLACES = {
    "measures": "/report/0",
    "constraints": "/constraints/0",
    "rules": "/objective",
    "overlays": "/overlays/0",
    "risk-models": "/risk_model",
    "forecasts": "/forecast",
}
VARIANCE = {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}}]}


def named(case: Any) -> str:
    return case if isinstance(case, str) else str(case["kind"] if "kind" in case else case["name"])


def figure(field: JSON, number: float | None = None) -> Any:
    """A value that the field takes, made of nothing but its description; `number` is a figure to put into it."""
    kind = field["type"]
    if kind in CONTAINERS:
        return CONTAINERS[kind](field, number)
    if number is None:
        return PLAIN[kind]
    return int(number) if kind == "integer" else number


def _list(field: JSON, number: float | None) -> list[Any]:
    second = figure(field["items"])
    return [second if number is None else figure(field["items"], number), second]


def _mapping(field: JSON, number: float | None) -> JSON:
    first = figure(field["values"], number)
    return {"A": first} if field["name"] != "budgets" else {"A": first, "B": 1.0 - first}


def _record(field: JSON, _: float | None) -> JSON:
    return {inner["name"]: figure(inner) for inner in field["fields"] if inner["required"]}


def _choice(field: JSON, _: float | None) -> Any:
    return field["choices"][0]


CONTAINERS: dict[str, Callable[[JSON, float | None], Any]] = {
    "list": _list,
    "mapping": _mapping,
    "record": _record,
    "choice": _choice,
}


def document(entry: JSON, **fields: Any) -> JSON:
    """A document of the kind: what is required, and the fields given."""
    required = {field["name"]: figure(field) for field in entry["fields"] if field["required"]}
    return {**entry["template"], **required, **fields}


def request_with(register: str, made: JSON) -> JSON:
    """A strategy that contains the document."""
    field, *in_list = PLACES[register].strip("/").split("/")
    return {"objective": VARIANCE, field: [made] if in_list else made}


def refusals(register: str, made: JSON) -> set[str]:
    """Pointers, relative to the document, of what is wrong with a strategy that contains it."""
    found = check_strategy(STRATEGY.read(json.dumps(request_with(register, made))))
    return {fault.pointer.removeprefix(PLACES[register]) for fault in found}


def numeric(entry: JSON) -> list[JSON]:
    """Fields of a kind that hold figures."""
    inner = [field.get("items", field.get("values", field)) for field in entry["fields"]]
    pairs = zip(entry["fields"], inner, strict=True)
    return [field for field, one in pairs if one["type"] in {"number", "integer"}]


def beyond(field: JSON, end: str) -> float:
    """The first figure outside a bound."""
    bound = float(field["bounds"][end])
    if end.startswith("exclusive"):
        return bound
    outwards = -math.inf if end == "minimum" else math.inf
    return bound + math.copysign(1, outwards) if field["type"] == "integer" else math.nextafter(bound, outwards)


def inside(field: JSON, end: str) -> float:
    """The last figure inside a bound."""
    bound = float(field["bounds"][end])
    return math.nextafter(bound, math.inf if "minimum" in end else -math.inf) if "exclusive" in end else bound


def complains(register: str, entry: JSON, field: JSON, number: float) -> bool:
    """Whether a figure in a field is refused."""
    found = refusals(register, document(entry, **{field["name"]: figure(field, number)}))
    return any(pointer.split("/")[1:2] == [field["name"]] for pointer in found)


FIELDS = [(register, entry, field) for register, entry in KINDS for field in numeric(entry)]
SUMMED = [field for _, _, field in FIELDS if field["name"] == "budgets"]
"""Their sum bounds each of them."""

BOUNDS = [(*one, end) for one in FIELDS for end in one[2]["bounds"]]


@pytest.mark.parametrize(("register", "entry"), KINDS, ids=named)
def test_a_document_can_be_made_of_its_description_alone(register: str, entry: JSON) -> None:
    assert refusals(register, document(entry)) == ({"/kind"} if entry.get("status") == "alpha" else set())


@pytest.mark.parametrize(("register", "entry", "field", "end"), BOUNDS, ids=named)
def test_figures_just_outside_a_bound_are_refused_and_the_last_ones_inside_are_not(
    register: str, entry: JSON, field: JSON, end: str
) -> None:
    assert complains(register, entry, field, beyond(field, end))
    assert not complains(register, entry, field, inside(field, end))


@pytest.mark.parametrize(("register", "entry", "field"), [one for one in FIELDS if one[2] not in SUMMED], ids=named)
def test_where_no_bound_is_told_none_is_kept(register: str, entry: JSON, field: JSON) -> None:
    told = " ".join(field["bounds"])

    assert "minimum" in told or not complains(register, entry, field, -FAR)
    assert "maximum" in told or not complains(register, entry, field, FAR)


def test_bounds_of_views_are_those_that_are_kept() -> None:
    (entry,) = [one for one in entries("forecasts") if one["kind"] == "black_litterman"]
    (views,) = [field for field in entry["fields"] if field["name"] == "views"]

    for field in views["items"]["fields"]:
        for end in field["bounds"]:
            for number, is_refused in ((beyond(field, end), True), (inside(field, end), False)):
                view = figure(views["items"]) | {field["name"]: figure(field, number)}
                found = refusals("forecasts", document(entry, views=[view]))
                assert any(one.startswith(f"/views/0/{field['name']}") for one in found) == is_refused


@pytest.mark.parametrize(
    ("register", "entry", "field"),
    [(register, entry, field) for register, entry in KINDS for field in entry["fields"] if "only" in field],
    ids=named,
)
def test_where_only_some_measures_may_stand_the_others_are_refused(register: str, entry: JSON, field: JSON) -> None:
    for one in entries("measures"):
        found = refusals(register, document(entry, **{field["name"]: document(one)}))
        assert (f"/{field['name']}" in found) != one[field["only"]], one["kind"]


@pytest.mark.parametrize(("register", "entry"), KINDS, ids=named)
def test_defaults_are_what_an_absent_field_becomes(register: str, entry: JSON) -> None:
    optional = {field["name"]: field["default"] for field in entry["fields"] if not field["required"]}

    plain, spelled = request_with(register, document(entry)), request_with(register, document(entry, **optional))

    assert STRATEGY.read(json.dumps(plain)) == STRATEGY.read(json.dumps(spelled))


def test_the_registers_are_complete() -> None:
    kinds = {register: [entry["kind"] for entry in entries(register)] for register in REGISTERS}

    assert kinds["measures"] == list(measure.kinds)
    assert kinds["constraints"] == list(constraint.kinds)
    assert kinds["rules"] == list(rule.kinds)
    assert kinds["overlays"] == list(overlay.kinds)
    assert list(RISK_MODELS.values()) == list(get_args(RiskSpec))
    assert list(FORECASTS.values()) == list(get_args(ForecastSpec))


def test_every_kind_is_explained_in_a_sentence() -> None:
    for _, entry in KINDS:
        assert entry["summary"].endswith("."), entry["kind"]
        assert len(entry["summary"].split()) > 4
        assert "\n" not in entry["summary"]
        assert "Source:" not in entry["details"]


def test_the_table_of_fields_has_no_entry_too_many() -> None:
    def walk(kind: str, fields: list[JSON]) -> list[tuple[str, str]]:
        inner = [
            record
            for field in fields
            for record in (*field.get("forms", ()), field.get("items", {}))
            if "fields" in record
        ]
        found = [pair for record in inner for pair in walk(record["title"].lower(), record["fields"])]
        return [(kind, field["name"]) for field in fields] + found

    used = {pair for _, entry in KINDS for pair in walk(entry["kind"], entry["fields"])}

    assert set(FACTS) <= {name for _, name in used}
    assert set(SPECIAL) <= {f"{kind}.{name}" for kind, name in used}


def test_roles_ratios_needs_and_integers_are_those_of_the_classes() -> None:
    shown = {register: {entry["kind"]: entry for entry in entries(register)} for register in REGISTERS}

    measures = shown["measures"]
    assert measures["variance"]["roles"] == ["minimized", "bounded above"]
    assert measures["value_at_risk"]["roles"] == []
    assert {kind for kind, entry in measures.items() if entry["ratio"]} == {
        "attribute_average", "diversification_ratio", "group_return", "group_weight", "return_risk_ratio",
        "sharpe_ratio",
    }  # fmt: skip
    assert measures["cvar"]["needs"] == ["scenarios"]
    assert measures["return_risk_ratio"]["needs"] is None
    assert measures["downside_deviation"]["degree_one_risk"] is True
    assert {kind for kind, entry in shown["constraints"].items() if entry["mixed_integer"]} == {
        "max_holdings", "max_trades", "min_holdings", "order_band", "position_band", "round_lots",
    }  # fmt: skip
    assert shown["constraints"]["participation"]["prices"] == ["close", "volume"]
    assert [kind for kind, entry in shown["rules"].items() if entry["keeps_constraints"]] == ["maximum_diversification"]


def test_statuses_are_those_that_results_and_runs_can_have() -> None:
    (check,) = [one for one in optimizations.constraints if "status in" in str(getattr(one, "sqltext", ""))]

    assert set(RESULT_STATUSES) == set(get_args(get_type_hints(Result)["status"]))
    assert set(RUN_STATUSES) == set(re.findall(r"'(\w+)'", str(check.sqltext)))  # type: ignore[attr-defined]
    assert [one["kind"] for one in entries("statuses") if not one["ended"]] == ["queued", "running"]


def test_an_unknown_register_is_not_found() -> None:
    with pytest.raises(NotFound, match="measures, constraints"):
        entries("solvers")
