"""Entity tags (RFC 9110): two editors do not overwrite each other, and what has not changed is not sent again."""

import re

from fastapi import Request
from starlette.responses import Response

from assetmix.services.preconditions import Expected

_TAG = re.compile(r'(?:W/)?"([^"]*)"|[^\s,"]+')


def quoted(tag: str) -> str:
    """Write a tag as a header's value."""
    return f'"{tag}"'


def expected(request: Request) -> Expected:
    """What the caller expects of the resource, from `If-Match` and `If-None-Match: *`."""
    match = request.headers.get("if-match", "").strip()
    is_new = request.headers.get("if-none-match", "").strip() == "*"
    return Expected(() if match == "*" else _tags(match), exists=match == "*", is_new=is_new)


def unchanged(request: Request, tag: str) -> Response | None:
    """304 for a caller who has this very version already (`If-None-Match`), else None."""
    given = request.headers.get("if-none-match", "").strip()
    if given != "*" and tag not in _tags(given):
        return None
    return Response(status_code=304, headers={"ETag": quoted(tag)})


def _tags(header: str) -> tuple[str, ...]:
    return tuple(found[1] if found[1] is not None else found[0] for found in _TAG.finditer(header))
