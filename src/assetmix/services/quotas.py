"""How much a tenant may ask for in a time: counted in each API process, in its memory.

The generic cell rate algorithm (ITU-T I.371) needs one number a tenant. A library's store costs a
task or a round trip a request, and a shared count would make every request depend on Redis.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0
MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What is left of a quota after a request, when it is whole again, and when to come back if it was too much."""

    allowed: bool
    quota: int
    remaining: int
    reset_seconds: int
    retry_seconds: int


class Quotas:
    """Remembers until when each name's quota is used up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def spend(self, name: str, a_minute: int) -> Spent:
        """Spend one of so many requests a minute; they may come all at once."""
        now = self._clock()
        step = MINUTE / a_minute
        full_at = max(self._full_at.get(name, now), now)
        used = full_at - now
        allowed = used + step <= MINUTE
        if allowed:
            used += step
            self._full_at[name] = now + used
            self._forget(now)
        retry = 0 if allowed else max(1, math.ceil(used + step - MINUTE))
        return Spent(allowed, a_minute, math.floor((MINUTE - used) / step + 1e-9), math.ceil(used), retry)

    def _forget(self, now: float) -> None:
        if len(self._full_at) > MOST_NAMES:
            self._full_at = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
