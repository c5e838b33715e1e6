"""The query language of collections: `field op value`, `in [a, b]`, `in [a to b]`, `and`, `or`, `orderby`."""

import math
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, VisitError

from assetmix.api.problems import Problem
from assetmix.errors import Fault
from assetmix.persistence.criteria import Between, Compare, Condition, OneOf, Together, Wanted

LONGEST = 2000
MOST, DEFAULT = 100, 20
FARTHEST = 1_000_000

GRAMMAR = r"""
start: [any_of] [orders]
any_of: all_of (_OR all_of)*
all_of: one (_AND one)*
?one: "(" any_of ")" | compare | one_of | between
compare: FIELD OPERATOR value
one_of: FIELD _IN "[" value ("," value)* "]"
between: FIELD _IN "[" value _TO value "]"
?value: TEXT -> text | NUMBER -> number | WORD -> word
orders: _ORDERBY order ("," order)*
order: FIELD [DIRECTION]

OPERATOR.3: /(eq|neq|lt|le|gt|ge)\b/i
_IN.3: /in\b/i
_TO.3: /to\b/i
_AND.3: /and\b/i
_OR.3: /or\b/i
_ORDERBY.3: /orderby\b/i
DIRECTION.3: /(asc|desc)\b/i
TEXT: /'[^']*'|"[^"]*"/
NUMBER.2: /-?\d+(\.\d+)?([eE][+-]?\d+)?(?![\w.*@-])/
FIELD: /[A-Za-z_][\w$]*(\.[\w$]+)*/
WORD: /[^\s,\[\]()'"]+/
%ignore /\s+/
"""


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="contextual")


def read_query(text: str | None, limit: int, offset: int) -> Wanted:
    """Read what is looked for.

    Raises
    ------
    Problem
        400 for a query that cannot be read, or a limit or offset that cannot be
    """
    if not limit >= 1 or not 0 <= offset <= FARTHEST:
        detail = f"limit is at least 1, offset between 0 and {FARTHEST}"
        raise Problem(400, "invalid-parameter", detail, (Fault("/limit", "invalid-parameter", detail),))
    asked = (text or "").strip()
    condition, order = _parsed(asked) if asked else (None, ())
    return Wanted(condition, order, min(limit, MOST), offset)


def _parsed(text: str) -> tuple[Condition | None, tuple[tuple[str, bool], ...]]:
    if len(text) > LONGEST:
        raise _refused(f"a query has at most {LONGEST} characters")
    try:
        parsed: tuple[Condition | None, tuple[tuple[str, bool], ...]] = _Reader().transform(_parser().parse(text))
    except VisitError as error:
        raise _refused(str(error.orig_exc)) from None
    except RecursionError:
        raise _refused("brackets are nested too deep") from None
    except LarkError as error:
        where = getattr(error, "column", None)
        place = f" near character {where}" if isinstance(where, int) and where > 0 else ""
        raise _refused(f"the query cannot be read{place}; it reads like external_id eq 'a' and version gt 1") from None
    return parsed


class _Reader(Transformer[Token, Any]):
    def start(self, parts: list[Any]) -> tuple[Condition | None, tuple[tuple[str, bool], ...]]:
        condition, order = parts
        return condition, tuple(order or ())

    def any_of(self, parts: list[Condition]) -> Condition:
        return parts[0] if len(parts) == 1 else Together("or", tuple(parts))

    def all_of(self, parts: list[Condition]) -> Condition:
        return parts[0] if len(parts) == 1 else Together("and", tuple(parts))

    def compare(self, parts: list[Any]) -> Condition:
        field, operator, value = parts
        ordered = operator.lower() not in {"eq", "neq"} and isinstance(value, str)
        return Compare(str(field), operator.lower(), _day(value) if ordered else value)

    def one_of(self, parts: list[Any]) -> Condition:
        field, *values = parts
        return OneOf(str(field), tuple(values))

    def between(self, parts: list[Any]) -> Condition:
        field, first, last = parts
        return Between(str(field), _day(str(first)), _day(str(last)))

    def text(self, parts: list[Token]) -> str:
        return str(parts[0])[1:-1]

    def number(self, parts: list[Token]) -> float:
        number = float(parts[0])
        if not math.isfinite(number):
            raise ValueError("a number of the query is too large")
        return number

    def word(self, parts: list[Token]) -> str | bool | None:
        known = {"true": True, "false": False, "null": None}
        word = str(parts[0])
        return known.get(word.lower(), word)

    def orders(self, parts: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
        return parts

    def order(self, parts: list[Any]) -> tuple[str, bool]:
        field, direction = parts
        return str(field), direction is not None and direction.lower() == "desc"


def _day(text: str) -> str:
    """Read a day that is written 20200101."""
    if len(text) == len("20200101") and text.isdigit() and text[:2] in {"19", "20", "21"}:
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text


def _refused(detail: str) -> Problem:
    return Problem(400, "invalid-query", detail, (Fault("/query", "invalid-query", detail),))
