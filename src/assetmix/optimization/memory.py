"""A bounded memory for living problems, handed in by whoever owns the process."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memory:
    """Keeps the most recently used values, at most `size` of them.

    Whoever owns the process says whether its memory `is_full`: then the older half is forgotten
    before another value is kept.
    """

    def __init__(self, size: int, is_full: Callable[[], bool] = lambda: False) -> None:
        self._size = size
        self._is_full = is_full
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def recall(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give the value kept under `key`, made now if there is none."""
        if key in self._values:
            self._values.move_to_end(key)
        else:
            self.keep(key, make())
        value: T = self._values[key]
        return value

    def keep(self, key: Hashable, value: object) -> None:
        """Keep a value, forgetting the one that was not used for longest when full."""
        for _ in range((len(self._values) + 1) // 2 if self._values and self._is_full() else 0):
            self._values.popitem(last=False)
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Drop the value kept under `key`, if any."""
        self._values.pop(key, None)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
