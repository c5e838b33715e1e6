"""Entity tags (RFC 9110): two editors do not overwrite each other, and what has not changed is not sent again."""

import re

from fastapi import Request
from starlette.responses import Response

from assetmix.services.preconditions import Expected

_TAG = re.compile(r'(?P<weak>W/)?"(?P<tag>[^"]*)"|(?P<bare>[^\s,"]+)')


def quoted(tag: str) -> str:
    """Write a tag as a header's value."""
    return f'"{tag}"'


def expected(request: Request) -> Expected:
    """What the caller expects of the resource, from `If-Match` and `If-None-Match`."""
    match, none_match = _field(request, "if-match"), _field(request, "if-none-match")
    return Expected(
        tags=None if match in {None, "*"} else _tags(match, weak=False),
        exists=match == "*",
        other_than=() if none_match in {None, "*"} else _tags(none_match, weak=True),
        is_new=none_match == "*",
    )


def unchanged(request: Request, tag: str) -> Response | None:
    """304 for a caller who has this very version already (`If-None-Match`), else None."""
    given = _field(request, "if-none-match")
    if given is None or (given != "*" and tag not in _tags(given, weak=True)):
        return None
    return Response(status_code=304, headers={"ETag": quoted(tag)})


def _field(request: Request, name: str) -> str | None:
    """Give a header that may come in several lines (RFC 9110, 5.3)."""
    lines = request.headers.getlist(name)
    return ", ".join(lines).strip() if lines else None


def _tags(field: str | None, *, weak: bool) -> tuple[str, ...]:
    """Give the tags of a list; weak ones only where weak ones may match (8.8.3.2)."""
    found = _TAG.finditer(field or "")
    return tuple(one["bare"] or one["tag"] or "" for one in found if weak or not one["weak"])
