"""Strategies as the native dialect takes and refuses them; the exemplary ones are documentation too."""

import json
from pathlib import Path
from typing import Any

import pytest

from assetmix.codec.documents import STRATEGY
from assetmix.codec.reference import FORECASTS, RISK_MODELS
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.check import check_strategy
from assetmix.optimization.constraint import constraint
from assetmix.optimization.measure import measure
from assetmix.optimization.rule import rule

FOLDER = Path(__file__).parent / "native"
EXEMPLARY = sorted((FOLDER / "exemplary").glob("*.json"))
SUPPLEMENTAL = sorted((FOLDER / "supplemental").glob("*.json"))


def load(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def faults(request: dict[str, Any]) -> list[Fault]:
    try:
        return check_strategy(STRATEGY.read(json.dumps(request)))
    except InvalidRequest as error:
        return list(error.faults)


@pytest.mark.parametrize("file", EXEMPLARY, ids=lambda file: file.stem)
def test_exemplary_strategies_are_taken_and_kept_word_for_word(file: Path) -> None:
    request = load(file)["request"]

    assert faults(request) == []
    stored = STRATEGY.write(STRATEGY.read(json.dumps(request)))
    assert STRATEGY.read_value(stored) == STRATEGY.read(json.dumps(request))
    for field, given in request.items():
        assert covers(stored[field], given), field


@pytest.mark.parametrize("file", SUPPLEMENTAL, ids=lambda file: file.stem)
def test_supplemental_strategies_are_refused_by_name(file: Path) -> None:
    document = load(file)

    found = [(one.code, one.pointer) for one in faults(document["request"])]

    assert (document["response"]["code"], document["response"]["pointer"]) in found


@pytest.mark.parametrize(
    ("prefix", "kinds"),
    [
        ("measure", set(measure.kinds)),
        ("constraint", set(constraint.kinds)),
        ("rule", set(rule.kinds)),
        ("risk_model", set(RISK_MODELS)),
        ("forecast", set(FORECASTS)),
    ],
)
def test_every_registered_kind_has_an_exemplary_strategy(prefix: str, kinds: set[str]) -> None:
    shown = {file.stem.removeprefix(f"{prefix}_"): load(file) for file in EXEMPLARY if is_of(file, prefix)}

    assert set(shown) == kinds
    for kind, document in shown.items():
        words = [list(one.values()) for one in objects(document["request"])]
        assert kind == "named" or any(kind in word for word in words), f"{kind} is not in its own example"
        assert len(document["why"].split()) > 5


def is_of(file: Path, prefix: str) -> bool:
    return file.stem.startswith(f"{prefix}_")


def objects(value: Any) -> list[dict[str, Any]]:
    """Every object in a document, the inner ones too."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(found for one in inner for found in objects(one))]


def covers(stored: Any, given: Any) -> bool:
    """Whether all that was given is in what was stored, defaults beside it."""
    if isinstance(given, dict):
        return all(key in stored and covers(stored[key], value) for key, value in given.items())
    if isinstance(given, list):
        return len(stored) == len(given) and all(covers(*pair) for pair in zip(stored, given, strict=True))
    return bool(stored == given)
