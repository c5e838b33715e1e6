"""Ids: one letter for the kind and a ULID, as InvestSuite documents them."""

import re

from ulid import ULID

PATTERN = re.compile(r"[A-Z][0-9A-HJKMNP-TV-Z]{26}\Z")


def new_id(letter: str) -> str:
    """Make an id whose letter says of what.

    `P` portfolio, `O` optimization, `F` frontier, `C` feasibility check, `B` backtest, `A` batch,
    `T` tenant.
    """
    return f"{letter}{ULID()}"


def looks_like_id(text: str) -> bool:
    """Whether a text has the shape of an id of any kind."""
    return PATTERN.match(text) is not None
