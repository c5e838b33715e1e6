"""The one way in for bodies: media type, size, and JSON read strictly.

Python's own JSON accepts NaN, takes the last of two equal keys and goes as deep as it is asked
to; none of that is accepted here.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from fastapi import Request

from assetmix.api.gate import too_large
from assetmix.api.problems import Problem
from assetmix.codec.documents import Codec
from assetmix.codec.faults import MALFORMED
from assetmix.errors import Fault, InvalidRequest

T = TypeVar("T")

DEEPEST = 32
LARGE = 256 * 1024
"""Bodies beyond this size are read in a thread, so that other requests go on."""

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_PLAIN = b"0123456789.,:+-eE \t\r\n"
"""Characters that change neither strings nor nesting: most of a large table is made of them."""
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


async def read_body(request: Request, accepted: tuple[str, ...], most_bytes: int) -> tuple[str, bytes]:
    """Give media type and bytes of a body.

    Raises
    ------
    Problem
        415 for another media type or charset, 413 for too many bytes
    """
    media_type = accepted_type(request, accepted)
    body = await request.body()
    if len(body) > most_bytes:
        raise too_large(most_bytes)
    return media_type, body


def accepted_type(request: Request, accepted: tuple[str, ...]) -> str:
    """Give the media type of a body.

    Raises
    ------
    Problem
        415 for another media type or charset
    """
    given = request.headers.get("content-type", "")
    media_type, _, parameters = given.partition(";")
    charset = re.search(r"charset\s*=\s*\"?([\w.-]+)", parameters, re.IGNORECASE)
    if media_type.strip().lower() not in accepted or (charset and charset[1].lower() not in {"utf-8", "us-ascii"}):
        problem = Problem(415, "unsupported-media-type", f"send {' or '.join(accepted)} in UTF-8")
        problem.headers["Accept-Post"] = ", ".join(accepted)
        raise problem
    return media_type.strip().lower()


@asynccontextmanager
async def spooled(request: Request, most_bytes: int) -> AsyncIterator[Path]:
    """Put a body into a file of its own as it comes, so that a large one takes no memory.

    Raises
    ------
    Problem
        413 for too many bytes, 503 where there is no room for them
    """
    with tempfile.NamedTemporaryFile(prefix="assetmix-body-") as file:
        try:
            async for piece in request.stream():
                file.write(piece)
                if file.tell() > most_bytes:
                    raise too_large(most_bytes)
            file.flush()
        except OSError as error:
            detail = "there is no room for the body at the moment; send it again later"
            raise Problem(503, "temporary-reduced-capacity", detail) from error
        yield Path(file.name)


async def read_json(request: Request, codec: Codec[T], most_bytes: int) -> T:
    """Read a JSON body of the codec's type.

    Raises
    ------
    Problem
        400 for text that is not JSON as we take it, 413, 415
    InvalidRequest
        for JSON that does not fit the schema
    """
    _, body = await read_body(request, ("application/json",), most_bytes)
    return await parse(codec, body)


async def parse(codec: Codec[T], body: bytes) -> T:
    """Read JSON text strictly; large texts in a thread."""
    if len(body) > LARGE:
        return await asyncio.to_thread(_parse, codec, body)
    return _parse(codec, body)


def _parse(codec: Codec[T], body: bytes) -> T:
    require_plain_json(body)
    try:
        return codec.read(body)
    except InvalidRequest as error:
        if any(fault.code in MALFORMED for fault in error.faults):
            raise _malformed("the body is not valid JSON, or holds a number that is not finite") from None
        raise


def require_plain_json(body: bytes) -> None:
    """Refuse text that parsers read differently, or that a database cannot hold.

    Raises
    ------
    Problem
        400 malformed-json, duplicate-key or too-deep; 422 for a NUL in a string
    """
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _malformed("leave the byte order mark out")
    if _depth(body.translate(None, _PLAIN)) > DEEPEST:
        raise Problem(400, "too-deep", f"arrays and objects are nested at most {DEEPEST} deep")
    try:
        json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _malformed("the body is not valid JSON in UTF-8; check commas, quotes and brackets") from None
    if b"\\u0000" in body and _NUL.search(body):
        fault = Fault("", "nul-character", "a string holds the character U+0000; leave it out")
        raise Problem(422, "validation-failed", fault.detail, (fault,))


def _depth(body: bytes) -> int:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return 0
    deepest = depth = 0
    for token in _TOKENS.finditer(body):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Problem(400, "duplicate-key", "an object has two members of the same name; keep one")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise _malformed("NaN and Infinity are not numbers of JSON; leave the field out or send a finite number")


def _malformed(detail: str) -> Problem:
    return Problem(400, "malformed-json", detail)
