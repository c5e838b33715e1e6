"""Snapshots as bytes: a JSON header and raw arrays, named by the hash of their content."""

import datetime as dt
import hashlib
import json
import struct

import numpy as np

from assetmix.codec.documents import INSTRUMENT, canonical
from assetmix.domain.arrays import readonly
from assetmix.domain.snapshot import Snapshot

_LENGTH = struct.Struct("<Q")


def write_snapshot(snapshot: Snapshot) -> bytes:
    """Write a snapshot; equal snapshots give equal bytes."""
    header = canonical(
        {
            "as_of": snapshot.as_of.isoformat(),
            "instruments": [INSTRUMENT.write(instrument) for instrument in snapshot.instruments],
            "periods": len(snapshot.dates),
        }
    )
    arrays = (
        np.asarray(snapshot.dates, dtype="<i8"),
        np.asarray(snapshot.closes, dtype="<f8"),
        np.ascontiguousarray(snapshot.history, dtype="<f8"),
    )
    return _LENGTH.pack(len(header)) + header + b"".join(array.tobytes() for array in arrays)


def read_snapshot(payload: bytes) -> Snapshot:
    """Read what `write_snapshot` wrote."""
    (length,) = _LENGTH.unpack_from(payload)
    start = _LENGTH.size + length
    header = json.loads(payload[_LENGTH.size : start])
    instruments = tuple(INSTRUMENT.read_value(one) for one in header["instruments"])
    periods, count = header["periods"], len(instruments)
    dates = np.frombuffer(payload, dtype="<i8", count=periods, offset=start)
    closes = np.frombuffer(payload, dtype="<f8", count=count, offset=start + 8 * periods)
    history = np.frombuffer(payload, dtype="<f8", offset=start + 8 * (periods + count))
    as_of = dt.date.fromisoformat(header["as_of"])
    table = readonly(history.reshape(periods, count))
    return Snapshot(as_of, instruments, readonly(closes), dates.astype(np.int64), table)


def content_digest(payload: bytes) -> str:
    """SHA-256 of the bytes, in hex."""
    return hashlib.sha256(payload).hexdigest()
