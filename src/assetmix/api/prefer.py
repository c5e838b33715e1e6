"""The `Prefer` header (RFC 7240): how long a caller would rather wait than poll."""

import re

from fastapi import Request

LONGEST = 30
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,9})", re.IGNORECASE)


def preferred_wait(request: Request) -> int:
    """Seconds from `Prefer: wait=n`, at most 30; 0 where nothing is preferred."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(found[1]), LONGEST) if found else 0


def applied(seconds: int) -> dict[str, str]:
    """Header that says the preference was followed."""
    return {"Preference-Applied": f"wait={seconds}"}
