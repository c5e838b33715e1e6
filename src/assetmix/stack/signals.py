"""The signals by which a person or the system asks for the stop."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

_Handler = Callable[[int, FrameType | None], object] | int | None


class StopSignals:
    """Remembers that a stop was asked for, instead of breaking into whatever is going on."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Started under nohup, a lost terminal is no reason to stop.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, lambda *_: self._note())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None stands for a handler that was not set from Python.
            signal.signal(number, handler or signal.SIG_DFL)

    def asked(self) -> bool:
        """Tell whether a stop was asked for."""
        return self._asked

    def _note(self) -> None:
        self._asked = True
