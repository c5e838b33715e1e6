"""The `Prefer` header (RFC 7240): how long a caller would rather wait than poll."""

import re

from fastapi import Request

LONGEST = 30
_STRICT = re.compile(r"(?:^|[,;\s])handling\s*=\s*strict\b", re.IGNORECASE)
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,9})", re.IGNORECASE)


def preferred_wait(request: Request) -> int:
    """Seconds from `Prefer: wait=n`, at most 30; 0 where nothing is preferred."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(found[1]), LONGEST) if found else 0


def wants_wait(request: Request) -> bool:
    """Whether the caller says how long: `wait=n`, also for no time at all."""
    return bool(_WAIT.search(request.headers.get("prefer", "")))


def wants_no_wait(request: Request) -> bool:
    """Whether the caller would rather be answered at once: `respond-async`."""
    return "respond-async" in {one.strip() for one in re.split(r"[,;]", request.headers.get("prefer", "").lower())}


def is_strict(request: Request) -> bool:
    """Whether the caller would rather have faults refused than mended: `handling=strict`."""
    return bool(_STRICT.search(request.headers.get("prefer", "")))


def applied(seconds: int) -> dict[str, str]:
    """Header that says the preference was followed."""
    return {"Preference-Applied": f"wait={seconds}"}
