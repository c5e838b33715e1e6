"""Entity tags, so that two editors do not overwrite each other."""

from fastapi import Request


def quoted(tag: str) -> str:
    """Write a tag as a header's value."""
    return f'"{tag}"'


def wanted_tag(request: Request) -> str | None:
    """Tag that the caller expects to change, from `If-Match`; None where any will do."""
    given = request.headers.get("if-match", "").strip()
    return None if given in {"", "*"} else given.removeprefix("W/").strip('"')
