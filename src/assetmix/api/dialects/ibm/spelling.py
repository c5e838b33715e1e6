"""How fields may be spelled: IBM's own documents and samples spell them in three ways.

`InPortfolio`, `in-portfolio` and `inportfolio` are one field, and what is not known is left out;
so is a field that is null. Values of a fixed choice are read in the same spirit.
"""

from typing import Any, TypeAlias

from pydantic import BaseModel

from assetmix.api.dialects.ibm.schemas import ConstraintRow, HoldingRow, Mandate, ObjectiveRow, PortfolioRow
from assetmix.errors import Fault, InvalidRequest

Json: TypeAlias = dict[str, Any]

ROWS: dict[str, type[BaseModel]] = {
    "constraints": ConstraintRow,
    "objectives": ObjectiveRow,
    "portfolios": PortfolioRow,
    "holdings": HoldingRow,
}
CHOICES = {"attribute", "relation", "measure", "sense", "type"}
WORDS = (
    "value", "return", "weight", "count", "trade", "trade-count", "greater-or-equal", "less-or-equal", "equal",
    "variance", "expectation", "tracking error", "minimize", "maximize", "root", "subportfolio", "benchmark",
)  # fmt: skip


def respelled(document: object) -> object:
    """Give the document as the schema spells it.

    Raises
    ------
    InvalidRequest
        when one field is given twice, in two spellings
    """
    faults: list[Fault] = []
    found = _row(document, Mandate, "", faults)
    if faults:
        raise InvalidRequest(faults[0].detail, faults)
    return found


def _row(given: object, model: type[BaseModel], pointer: str, faults: list[Fault]) -> object:
    if not isinstance(given, dict):
        return given
    known = {plain(name): name for name in model.model_fields}
    found: Json = {}
    for key, value in given.items():
        name = known.get(plain(key))
        if name is None or value is None:
            continue
        if name in found:
            faults.append(Fault(f"{pointer}/{name}", "duplicate", f"{name} is given twice, in two spellings"))
        found[name] = _value(name, value, f"{pointer}/{name}", faults)
    return found


def _value(name: str, given: object, pointer: str, faults: list[Fault]) -> object:
    if name in ROWS and isinstance(given, list):
        return [_row(one, ROWS[name], f"{pointer}/{i}", faults) for i, one in enumerate(given)]
    if name in CHOICES and isinstance(given, str):
        return _PLAIN.get(plain(given), given)
    return given


def plain(name: str) -> str:
    """Give a name without what spellings differ in."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


_PLAIN = {plain(word): word for word in WORDS}
