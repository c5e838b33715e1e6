"""The supervisor: starts children in order, restarts what dies, stops them in reverse."""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from assetmix.stack.child import Child, ChildSpec
from assetmix.stack.home import StackError, tell
from assetmix.stack.leftovers import MARK, write_traces

_STEP_SECONDS = 0.01
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 10.0
_STEADY_SECONDS = 30.0


class StopRequested(Exception):
    """Somebody asked for the stop while something was being waited for."""


class Supervisor:
    """Keeps children alive until it is told to stop them.

    Parameters
    ----------
    record : where the living children are written down, for the next run to check
    stop_requested : asked while waiting; true ends the wait with StopRequested
    """

    def __init__(self, record: Path | None = None, stop_requested: Callable[[], bool] | None = None) -> None:
        self._record = record
        self._stop_requested = stop_requested or _nobody
        self._run = secrets.token_hex(16)
        self._kept: list[_Kept] = []
        self._hidden: list[str] = []

    def __enter__(self) -> Self:
        """Give itself; the end of the block stops every child."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every child, however the block ended."""
        self.stop()

    def hide(self, *secrets: str) -> None:
        """Keep these words out of every message."""
        self._hidden.extend(secrets)

    def pid(self, name: str) -> int | None:
        """Give the process id of a child."""
        return next(kept.child.pid for kept in self._kept if kept.child.spec.name == name)

    def start(self, spec: ChildSpec) -> None:
        """Start one child and wait until it is ready."""
        self.start_all([spec])

    def start_all(self, specs: Sequence[ChildSpec]) -> None:
        """Start children at the same time and wait until all are ready.

        Raises
        ------
        StackError
            when one ends before all are ready, or is not ready in time.
        StopRequested
            when the stop was asked for meanwhile.
        """
        started = [_Kept(self._child(spec)) for spec in specs]
        for kept in started:
            # Kept before it is started: an interruption in between must not lose it.
            self._kept.append(kept)
            kept.start()
        self._write_record()
        self._wait_until_ready(started)
        self._write_record()

    def run(self, spec: ChildSpec) -> None:
        """Run a command to its end.

        Raises
        ------
        StackError
            when it fails.
        StopRequested
            when the stop was asked for meanwhile.
        """
        child = self._child(spec)
        try:
            child.start()
            while child.poll() is None:
                self._heed_stop()
                time.sleep(_STEP_SECONDS)
        finally:
            child.stop()
        if child.poll() != 0:
            raise StackError(self._obituary(child, "failed"))

    def tend(self) -> list[str]:
        """Restart what has died, each child after a pause of its own.

        Returns
        -------
        list of str, the names of the children restarted in this step

        Raises
        ------
        StackError
            when a child died that is not to be restarted.
        """
        restarted = [kept.child.spec.name for kept in self._kept if self._tend_one(kept)]
        if restarted:
            self._write_record()
        return restarted

    def stop(self) -> None:
        """Stop every child, the last started first.

        An impatient Ctrl-C does not cut this short: each child has its time, and then it is killed.
        """
        while self._kept:
            with suppress(KeyboardInterrupt):
                self._kept[-1].child.stop()
                self._kept.pop()
        self._write_record()

    def _child(self, spec: ChildSpec) -> Child:
        return Child(replace(spec, environment={**(spec.environment or {}), MARK: self._run}))

    def _wait_until_ready(self, started: Sequence["_Kept"]) -> None:
        began = time.monotonic()
        waiting = [kept.child for kept in started]
        while True:
            self._heed_stop()
            for kept in started:
                self._require_alive(kept)
            waiting = [child for child in waiting if not _is_ready(child)]
            if not waiting:
                return
            self._require_in_time(waiting, time.monotonic() - began)
            time.sleep(_STEP_SECONDS)

    def _heed_stop(self) -> None:
        if self._stop_requested():
            raise StopRequested

    def _require_alive(self, kept: "_Kept") -> None:
        if kept.child.poll() is None:
            return
        if not kept.may_try_again():
            raise StackError(self._obituary(kept.child, "ended before it was ready"))
        kept.start_when_due()

    def _require_in_time(self, waiting: Sequence[Child], seconds: float) -> None:
        for child in waiting:
            allowed = child.spec.ready_seconds
            if seconds > allowed:
                raise StackError(self._obituary(child, f"was not ready within {allowed:.0f} s"))

    def _tend_one(self, kept: "_Kept") -> bool:
        code = kept.child.poll()
        if code is None:
            return False
        if not kept.child.spec.restart:
            raise StackError(self._obituary(kept.child, f"ended ({_in_words(code)})"))
        if kept.pause_after_death():
            tell(f"{kept.child.spec.name} ended ({_in_words(code)}); it will be started again")
        return kept.start_when_due()

    def _obituary(self, child: Child, what: str) -> str:
        words = child.last_words() or "it said nothing"
        message = f"{child.spec.name} {what}: {words} (see {child.spec.log_file})"
        for secret in self._hidden:
            message = message.replace(secret, "***")
        return message

    def _write_record(self) -> None:
        if self._record is None:
            return
        traces = [kept.child.trace() for kept in self._kept]
        # Somebody may have removed the home of a running stack, or filled the disk.
        with suppress(OSError):
            write_traces(self._record, self._run, [trace for trace in traces if trace])


class _Kept:
    """A child together with the history of its deaths."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._deaths = 0
        self._started = 0.0
        self._due: float | None = None

    def start(self) -> None:
        self._started = time.monotonic()
        self.child.start()
        self._due = None

    def pause_after_death(self) -> bool:
        """Set the time of the next start; true when it was not set yet."""
        if self._due is not None:
            return False
        now = time.monotonic()
        steady = now - self._started > _STEADY_SECONDS
        self._deaths = 1 if steady else self._deaths + 1
        self._due = now + _delay_seconds(self._deaths)
        return True

    def may_try_again(self) -> bool:
        """Tell whether a child that was never ready has attempts left."""
        self.pause_after_death()
        return self._deaths < self.child.spec.attempts

    def start_when_due(self) -> bool:
        """Start again if the time has come; a failure to fork counts as one more death."""
        if self._due is None or time.monotonic() < self._due:
            return False
        try:
            self.start()
        except OSError:
            self._due = None
            return False
        return True


def _nobody() -> bool:
    return False


def _delay_seconds(deaths: int) -> float:
    # The first restart is at once: one death says nothing about the next.
    if deaths == 1:
        return 0.0
    return min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** min(deaths - 2, 16))


def _is_ready(child: Child) -> bool:
    return child.spec.ready is None or child.spec.ready()


def _in_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
