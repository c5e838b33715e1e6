"""What runs in front of a launched stack, in a thread of its own."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from assetmix.stack.home import Home
from assetmix.stack.servers import Addresses

_FAREWELL_SECONDS = 1.0


@dataclass(frozen=True)
class Running:
    """A stack that answers, as the foreground sees it."""

    base_url: str
    home: Home
    addresses: Addresses
    key_pepper: str = field(repr=False)


Foreground = Callable[[Running], int | None]


class ForegroundThread:
    """Runs the foreground, so that the main thread can look after the children."""

    def __init__(self, foreground: Foreground, running: Running) -> None:
        self._exit_code: int | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(foreground, running), daemon=True)
        self._thread.start()

    def result(self) -> int | None:
        """Give the exit code if there is one; raise what the foreground raised."""
        if self._thread.is_alive():
            return None
        if self._failure:
            raise self._failure
        return self._exit_code

    def join(self) -> None:
        """Give a foreground that was cut short the time to notice it."""
        self._thread.join(_FAREWELL_SECONDS)

    def _run(self, foreground: Foreground, running: Running) -> None:
        try:
            self._exit_code = foreground(running)
        except BaseException as failure:  # noqa: BLE001 - raised again in the main thread
            self._failure = failure
