"""Logs as JSON, a line each: what happened, in which request, for whom, in which run.

Only what is named here is ever written beside the message: no header, no body, no address of a
database. What a caller sent is encoded, so that it cannot begin a line of its own.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

FIELDS = (
    "request_id",
    "trace_id",
    "tenant",
    "key",
    "optimization_id",
    "attempt",
    "method",
    "route",
    "status",
    "ms",
)
"""What a line may say beside time, level, logger and message."""

LONGEST = 2000
_about: ContextVar[dict[str, Any]] = ContextVar("about", default={})  # noqa: B039 - never changed, only replaced


@contextmanager
def about(**fields: Any) -> Iterator[None]:  # noqa: ANN401 - any of FIELDS
    """Have every line that is written in the block carry these fields."""
    token = _about.set(_about.get() | fields)
    try:
        yield
    finally:
        _about.reset(token)


def add(**fields: Any) -> None:  # noqa: ANN401 - any of FIELDS
    """Have every later line of this task carry these fields too."""
    _about.set(_about.get() | fields)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line: dict[str, Any] = {
            "ts": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:LONGEST],
        }
        known = _about.get() | {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        line |= {name: known[name] for name in FIELDS if known.get(name) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _places(record)
        return json.dumps(line, default=str)


def _places(record: logging.LogRecord) -> list[str]:
    """Give file, line and function of each frame of an exception; never the values in it."""
    trace = record.exc_info[2] if record.exc_info else None
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def set_up(stream: TextIO | None = None) -> None:
    """Write the logs of this process as JSON to standard error, from the level ASSETMIX_LOG_LEVEL on (INFO)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    formatter = JsonLines()
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    level = os.environ.get("ASSETMIX_LOG_LEVEL", "INFO").upper()
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("assetmix").setLevel(level)
    logging.captureWarnings(capture=True)
