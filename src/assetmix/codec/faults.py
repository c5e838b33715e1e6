"""Validation errors as faults with JSON pointers; what was sent is never repeated."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from assetmix.errors import Fault, escape
from assetmix.optimization.check import MOST_FAULTS

MALFORMED = {"json_invalid", "finite_number"}
"""Kinds of errors that mean the text is not JSON as we take it, whatever the schema."""

PLAIN_TYPES = {"str", "int", "float", "bool", "constrained-str"}
"""Members of unions that are no objects, as pydantic names them in locations."""

_CODES = {
    "extra_forbidden": "unknown_field",
    "unexpected_keyword_argument": "unknown_field",
    "union_tag_invalid": "unknown_kind",
    "union_tag_not_found": "missing_kind",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an error is: its pointer, and which member of which union complains."""

    pointer: str
    union: str | None
    member: str


def faults_of(error: ValidationError, text: bytes | str) -> list[Fault]:
    """Translate a validation error of a JSON text; a text that is no JSON at all has no pointers."""
    try:
        document = from_json(text)
    except ValueError:
        document = None
    return faults_in(error, document)


def faults_in(error: ValidationError, document: object) -> list[Fault]:
    """Translate a validation error of a parsed document.

    Where no member of a union fits, only the member with the fewest complaints is heard.
    """
    details = error.errors(include_url=False, include_input=False)
    places = [_place(document, one["loc"]) for one in details]
    chosen = _nearest_members(places)
    faults = [
        Fault(place.pointer, _CODES.get(one["type"], one["type"]), _sentence(one))
        for place, one in zip(places, details, strict=True)
        if place.union is None or chosen[place.union] == place.member
    ]
    return faults[:MOST_FAULTS]


def _nearest_members(places: list[_Place]) -> dict[str, str]:
    complaints: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for place in places:
        if place.union is not None:
            complaints[place.union][place.member] += 1
    return {
        union: min(members, key=lambda name: (name.startswith("literal") or name in PLAIN_TYPES, members[name]))
        for union, members in complaints.items()
    }


def _place(document: object, location: tuple[int | str, ...]) -> _Place:
    pointer, here, union, member = "", document, None, ""
    for place, part in enumerate(location):
        found = _descend(here, part)
        if str(part).startswith(("literal[", "list[")) or part in PLAIN_TYPES:
            union, member = pointer, str(part)
        elif str(part).startswith("#"):
            continue
        elif found is not None or (place == len(location) - 1 and isinstance(here, dict | list)):
            pointer += f"/{escape(str(part))}"
            here = found
        elif union is None and not _is_kind(here, part):
            union, member = pointer, str(part)
    return _Place(pointer, union, member)


def _descend(here: object, part: int | str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(here, dict):
        return here.get(part)
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return None


def _is_kind(here: object, part: int | str) -> bool:
    return isinstance(here, dict) and part in {here.get("kind"), here.get("rule")}


def _sentence(one: ErrorDetails) -> str:
    match one["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return "this field is not known here; check its spelling or leave it out"
        case "union_tag_invalid":
            return f"kind must be one of {one['ctx']['expected_tags']}".replace("#", "")
        case "literal_error" | "enum":
            return f"must be {one['ctx']['expected']}"
        case "json_invalid":
            return "the body is not valid JSON; check commas, quotes and brackets"
        case _:
            message = one["msg"]
            return message[0].lower() + message[1:]
