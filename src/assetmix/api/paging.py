"""Cursors: opaque, bound to the list that made them."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from assetmix.api.problems import Problem

DEFAULT, MOST = 50, 200
LONGEST = 1000


def clamp(limit: int) -> int:
    """Take a page size: at least 1, at most 200.

    Raises
    ------
    Problem
        400 for 0 and less
    """
    if limit < 1:
        raise Problem(400, "invalid-parameter", "limit is at least 1")
    return min(limit, MOST)


def after(cursor: str | None, listing: str, first: Any) -> Any:  # noqa: ANN401 - text or number
    """Give the key after which a page begins.

    Raises
    ------
    Problem
        400 for a cursor that this list never gave
    """
    if cursor is None:
        return first
    try:
        name, key = json.loads(base64.urlsafe_b64decode(cursor[:LONGEST].encode("ascii")).decode("utf-8"))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise _refused() from None
    if name != listing or type(key) is not type(first) or not _is_plain(key):
        raise _refused()
    return key


def page(items: Sequence[Any], limit: int, listing: str, last: Any) -> dict[str, Any]:  # noqa: ANN401 - text or number
    """Give a page with the cursor of the next one, null on a page that is not full."""
    if len(items) < limit:
        return {"items": list(items), "next": None}
    cursor = base64.urlsafe_b64encode(json.dumps([listing, last]).encode()).decode()
    return {"items": list(items), "next": cursor}


def _is_plain(key: Any) -> bool:  # noqa: ANN401 - text or number
    if isinstance(key, int):
        return 0 <= key < 2**31
    return "\x00" not in key and key.isprintable()


def _refused() -> Problem:
    return Problem(400, "invalid-cursor", "this cursor does not belong to this list; begin without one")
