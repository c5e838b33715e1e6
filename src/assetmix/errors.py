"""The error tree. An expected outcome is a value; a broken promise is one of these.

::

    Error
      InvalidRequest            the caller can fix it; carries every fault found
      MissingData               prices or history that we lack
      StalePrice                prices that are too old for the tenant
      NotFound   Conflict   NotAllowed   Unauthenticated
      Misconfigured             the environment of a process
      SolverFailed              the solver, not the question
      Unavailable               database or queue away: retry later
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request, and where.

    `pointer` is a JSON pointer into the request body (RFC 6901), `code` a stable word for
    programs, `detail` a sentence for people that names the likely cure.
    """

    pointer: str
    code: str
    detail: str


def escape(key: str) -> str:
    """Write a key as a token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


class Error(Exception):
    """Something that the caller has to know."""

    code = "internal-error"

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.faults = tuple(faults)


class InvalidRequest(Error):
    """The request cannot be carried out as it stands; the caller can fix it."""

    code = "validation-failed"


class Malformed(InvalidRequest):
    """A table that cannot be read as what it is said to be."""

    code = "malformed-csv"


class MalformedFile(Malformed):
    """A workbook or Parquet file that cannot be read."""

    code = "malformed-table"


class UnknownAsset(InvalidRequest):
    """An instrument is named that was never loaded."""

    code = "unknown-asset"


class InconsistentConstraints(InvalidRequest):
    """A lower bound lies above its upper bound."""

    code = "inconsistent-constraints"


class EmptyPortfolio(InvalidRequest):
    """The portfolio has no positive value to invest."""

    code = "empty-portfolio"


class InvalidPrice(InvalidRequest):
    """A price is zero, negative or not finite."""

    code = "invalid-price"


class LimitExceeded(InvalidRequest):
    """The request is larger than the service accepts."""

    code = "limit-exceeded"


class MissingData(InvalidRequest):
    """Prices or history that the request needs are not there."""

    code = "missing-price"


class StalePrice(InvalidRequest):
    """A price is older than the tenant accepts."""

    code = "stale-price"


class NotFound(Error):
    """Nothing of that name belongs to the caller."""

    code = "not-found"


class NoOptimization(NotFound):
    """No optimization was ever requested for the portfolio."""

    code = "optimization-not-found"


class Conflict(Error):
    """The request clashes with the present state."""

    code = "conflict"


class PreconditionFailed(Conflict):
    """The resource has changed since the caller last read it."""

    code = "precondition-failed"


class PreconditionRequired(Error):
    """The tenant has every change say which version it changes, and this one does not."""

    code = "precondition-required"


class KeyInUse(Conflict):
    """A request with the same idempotency key is just being carried out."""

    code = "idempotency-key-in-progress"


class KeyReused(InvalidRequest):
    """The idempotency key named another request before."""

    code = "idempotency-key-reused"


class QuotaExceeded(Error):
    """More than the tenant may have at a time; `seconds` says when to come back."""

    code = "quota-exceeded"

    def __init__(self, message: str, seconds: int = 5) -> None:
        super().__init__(message)
        self.seconds = seconds


class InProgress(Conflict):
    """Another run of the same portfolio is queued or running."""

    code = "optimization-in-progress"


class Unauthenticated(Error):
    """No key, or one that is not valid."""

    code = "unauthenticated"


class NotAllowed(Error):
    """The key is valid but lacks the scope."""

    code = "insufficient-scope"


class Misconfigured(Error):
    """The environment lacks something that a process needs."""

    code = "misconfigured"


class SolverFailed(Error):
    """No solver could answer a well-posed question."""

    code = "solver-failed"


class Unavailable(Error):
    """The database or the queue cannot be reached; the same request may succeed later."""

    code = "temporary-reduced-capacity"
