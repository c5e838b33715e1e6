"""Entity tags made of versions, so that two editors do not overwrite each other."""

from fastapi import Request

from assetmix.api.problems import Problem


def tag(version: int) -> str:
    """Entity tag of a version."""
    return f'"{version}"'


def wanted_version(request: Request) -> int | None:
    """Version that the caller expects to change, from `If-Match`; None where any will do.

    Raises
    ------
    Problem
        412 for a tag that was never given
    """
    given = request.headers.get("if-match", "").strip()
    if given in {"", "*"}:
        return None
    text = given.removeprefix("W/").strip('"')
    if not text.isdecimal() or not text.isascii():
        raise Problem(412, "precondition-failed", "If-Match does not name a version that was ever given")
    return int(text)
