"""What a caller expects of a resource before it is changed, so that two editors do not overwrite each other."""

from dataclasses import dataclass
from typing import Protocol

from assetmix.errors import PreconditionFailed, PreconditionRequired
from assetmix.services.context import Caller

REQUIRED = "require_if_match"
"""Tenant setting under which nothing that exists is changed without its tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the resource must be: of one of these tags, there at all, of none of those tags, or not there yet.

    Written as `If-Match: "…"`, `If-Match: *`, `If-None-Match: "…"` and `If-None-Match: *`; no
    tags at all is an expectation that nothing meets.
    """

    tags: tuple[str, ...] | None = None
    exists: bool = False
    other_than: tuple[str, ...] = ()
    is_new: bool = False

    @property
    def is_anything(self) -> bool:
        """Whether nothing is expected."""
        return self.tags is None and not (self.exists or self.other_than or self.is_new)


ANYTHING = Expected()


class Tagged(Protocol):
    """Something stored, whose tag names its version and content."""

    @property
    def tag(self) -> str:
        """The tag."""


def require(expected: Expected, stored: Tagged | None, caller: Caller, noun: str) -> None:
    """Refuse a change of something else than what the caller expects; `stored` is None where there is nothing yet.

    Raises
    ------
    PreconditionFailed
        when it is not as expected
    PreconditionRequired
        when the tenant has every change say what it expects, and this one does not
    """
    present = None if stored is None else stored.tag
    if expected.is_anything:
        if present is not None and caller.settings.get(REQUIRED):
            raise PreconditionRequired(f"say which version of the {noun} you change: If-Match with its ETag")
        return
    if expected.is_new and present is not None:
        raise PreconditionFailed(f"there is a {noun} of that name already; leave If-None-Match out to replace it")
    if (expected.tags is not None or expected.exists) and present is None:
        raise PreconditionFailed(f"there is no such {noun} yet; leave If-Match out to create it")
    if (expected.tags is not None and present not in expected.tags) or present in expected.other_than:
        raise PreconditionFailed(f"the {noun} has changed since it was read; read it again")
