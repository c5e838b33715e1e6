"""What an error becomes when it goes over the pipe and into the database."""

import logging
from typing import Any

from assetmix.errors import Error

log = logging.getLogger(__name__)


def problem_of(error: Exception) -> dict[str, Any]:
    """Code, detail and faults of what kept a question from being answered."""
    if isinstance(error, Error):
        faults = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in error.faults]
        return {"code": error.code, "detail": error.message, "errors": faults}
    if isinstance(error, MemoryError):
        return {"code": "resource-limit", "detail": "The problem needs more memory than a run may use."}
    log.error("a question could not be answered", exc_info=error)
    return {"code": "internal-error", "detail": "The run failed for a reason of our own."}
