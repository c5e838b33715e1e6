"""The door every child passes through: `entrance.py PARENT SIGNAL USER GROUP COMMAND…`.

Run as a script, by path. It gives up root where asked, ties the child's life to its parent's, and becomes
the command. A script instead of `preexec_fn`, because the supervisor has threads when it restarts a child,
and Python code between fork and exec may then hang.
"""

import os
import signal
import sys
import warnings  # noqa: F401 - execvp loads it, too late for a user who cannot read our Python
from collections.abc import Callable

_SET_DEATH_SIGNAL = 1
_KEEP = -1


def enter(arguments: list[str]) -> None:
    """Become the command, as the user and with the death signal given."""
    parent, death_signal, user, group = (int(argument) for argument in arguments[:4])
    # Loaded before the change of user, who may not be able to read our Python.
    die_with_parent = _death_tie(death_signal)
    if user != _KEEP:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    # Called after it, because a change of user clears the death signal.
    die_with_parent()
    # The parent may have died before that.
    if os.getppid() != parent:
        sys.exit(1)
    _restore_signals()
    os.execvp(arguments[4], arguments[4:])  # noqa: S606 - there is no shell, on purpose


def _death_tie(death_signal: int) -> Callable[[], object]:
    if sys.platform != "linux":
        return lambda: None
    import ctypes  # noqa: PLC0415 - slow to load, and of use on Linux only

    set_option = ctypes.CDLL(None).prctl
    return lambda: set_option(_SET_DEATH_SIGNAL, death_signal, 0, 0, 0)


def _restore_signals() -> None:
    # Python ignores two signals for itself, and what is ignored stays ignored in the command. An ignored
    # interrupt comes from a shell that started us in the background; Postgres is stopped by it.
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    enter(sys.argv[1:])
