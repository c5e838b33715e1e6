"""Conditions on what is stored, as callers state them, and the statements that find what meets them.

A field is a dotted name. Which column or member of a document it is, a table's `Fields` know; a
member that is absent is null. Comparisons are by type: a number meets no text, and null meets nothing
but null, neither as equal nor as different.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from assetmix.errors import Fault, InvalidRequest

Literals: TypeAlias = str | float | bool | None
Operator: TypeAlias = Literal["eq", "neq", "lt", "le", "gt", "ge"]
Element: TypeAlias = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a value; `*` in a text stands for anything."""

    field: str
    operator: Operator
    value: Literals


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field equal to one of several values."""

    field: str
    values: tuple[Literals, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A field from one value to another, both included."""

    field: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Together:
    """Conditions of which all must hold, or any."""

    how: Literal["and", "or"]
    parts: "tuple[Condition, ...]"


Condition: TypeAlias = Compare | OneOf | Between | Together


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, in which order, and which part of it."""

    condition: Condition | None = None
    order: tuple[tuple[str, bool], ...] = ()
    """Fields, and whether the order is descending."""
    limit: int = 20
    offset: int = 0


_NULL: Element = sa.literal_column("'null'::jsonb")


@dataclass(frozen=True, slots=True)
class Fields:
    """Where the fields of a table are: columns by name, and documents for everything else."""

    columns: Mapping[str, Element]
    documents: Callable[[tuple[str, ...]], Element]

    def json(self, field: str) -> Element:
        """Give a field as JSON, null where it is absent or null."""
        known = self.columns.get(field)
        found = self.documents(tuple(field.split("."))) if known is None else sa.func.to_jsonb(known)
        return sa.func.nullif(found, _NULL)


def matching(fields: Fields, condition: Condition) -> Element:
    """Give the condition as SQL."""
    match condition:
        case Together(how=how, parts=parts):
            inner = [matching(fields, part) for part in parts]
            return sa.and_(*inner) if how == "and" else sa.or_(*inner)
        case OneOf(field=field, values=values):
            return sa.or_(sa.false(), *(_compared(fields, Compare(field, "eq", value)) for value in values))
        case Between(field=field, first=first, last=last):
            ends = (Compare(field, "ge", first), Compare(field, "le", last))
            return sa.and_(*(_compared(fields, end) for end in ends))
        case Compare():
            return _compared(fields, condition)


def ordering(fields: Fields, wanted: Wanted, last: Element) -> list[Element]:
    """Give the order: by the fields that are named, then by `last`, so that it is always the same."""
    named = [fields.json(field) for field, _ in wanted.order]
    flags = [descending for _, descending in wanted.order]
    made = [one.desc().nulls_last() if down else one.asc().nulls_last() for one, down in zip(named, flags, strict=True)]
    return [*made, last.asc()]


def _compared(fields: Fields, one: Compare) -> Element:
    known = fields.columns.get(one.field)
    if one.value is not None and known is not None and isinstance(known.type, sa.DateTime):
        return _moment(one, known)
    found = fields.json(one.field)
    if one.value is None:
        return _nothing(one, found)
    if isinstance(one.value, str):
        return _text(one, found)
    if isinstance(one.value, bool) and one.operator not in {"eq", "neq"}:
        raise _refused(one.field, "true and false are equal or not equal, neither less nor greater")
    if one.operator in {"eq", "neq"}:
        same = found == sa.cast(one.value, JSONB)
        return same if one.operator == "eq" else sa.not_(same)
    number = sa.case((sa.func.jsonb_typeof(found) == "number", sa.cast(found, sa.Numeric)))
    return _OPERATORS[one.operator](number, one.value)


def _nothing(one: Compare, found: Element) -> Element:
    if one.operator not in {"eq", "neq"}:
        raise _refused(one.field, "null is equal or not equal, neither less nor greater")
    return found.is_(None) if one.operator == "eq" else found.is_not(None)


def _text(one: Compare, found: Element) -> Element:
    text = sa.case((sa.func.jsonb_typeof(found) == "string", found.op("#>>")(sa.literal_column("'{}'"))))
    value = str(one.value)
    if "*" not in value:
        compared: Element = _OPERATORS[one.operator](text, value)
    elif one.operator in {"eq", "neq"}:
        pattern = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        compared = text.ilike(pattern) if one.operator == "eq" else text.not_ilike(pattern)
    else:
        raise _refused(one.field, "a text with * is equal or not equal, neither less nor greater")
    return compared


def _moment(one: Compare, column: Element) -> Element:
    """Compare a time; a day without a time of day is the whole of it."""
    text = f"{one.value:.0f}" if isinstance(one.value, float) else str(one.value)
    try:
        given = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _refused(one.field, "is a time, such as '20240131' or '2024-01-31T09:00:00+00:00'") from None
    first = given if given.tzinfo else given.replace(tzinfo=dt.UTC)
    last = first + dt.timedelta(days=1) if len(text) <= len("2024-01-31") else None
    if last is None:
        return _OPERATORS[one.operator](column, first)
    inside = (column >= first) & (column < last)
    whole = {"eq": inside, "neq": ~inside, "lt": column < first, "le": column < last, "gt": column >= last}
    return whole.get(one.operator, column >= first)


_OPERATORS: Mapping[str, Callable[[Any, Any], Element]] = {
    "eq": lambda left, right: left == right,
    "neq": lambda left, right: left != right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
}


def _refused(field: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, [Fault("/query", "invalid-query", f"{field}: {detail}")])
