"""A JSON header and raw arrays as bytes: what snapshots and risk models are stored and sent as."""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assetmix.codec.documents import canonical

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

_LENGTH = struct.Struct("<Q")


def pack(facts: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Write facts and named arrays of 64-bit numbers; equal ones give equal bytes."""
    little = {name: np.ascontiguousarray(array, dtype=_order(array)) for name, array in sorted(arrays.items())}
    shapes = [[name, array.dtype.str, list(array.shape)] for name, array in little.items()]
    header = canonical({"facts": facts, "arrays": shapes})
    return b"".join([_LENGTH.pack(len(header)), header, *(array.tobytes() for array in little.values())])


def unpack(payload: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `pack` wrote; the arrays refuse to be written to."""
    (length,) = _LENGTH.unpack_from(payload)
    place = _LENGTH.size + length
    header = json.loads(payload[_LENGTH.size : place])
    arrays = {}
    for name, kind, shape in header["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        array = np.array(np.frombuffer(payload, dtype=kind, count=count, offset=place).reshape(shape))
        array.setflags(write=False)
        arrays[name] = array
        place += array.nbytes
    return header["facts"], arrays


def enclosed(payloads: Sequence[bytes]) -> bytes:
    """Put payloads one after the other, each behind its length."""
    return b"".join(part for payload in payloads for part in (_LENGTH.pack(len(payload)), payload))


def opened(enclosing: bytes) -> list[bytes]:
    """Take apart what `enclosed` put together."""
    found, place = [], 0
    while place < len(enclosing):
        (length,) = _LENGTH.unpack_from(enclosing, place)
        place += _LENGTH.size + length
        found.append(enclosing[place - length : place])
    return found


def content_digest(payload: bytes) -> str:
    """SHA-256 of the bytes, in hex."""
    return hashlib.sha256(payload).hexdigest()


def _order(array: NDArray[Any]) -> str:
    return "<i8" if np.issubdtype(array.dtype, np.integer) else "<f8"
