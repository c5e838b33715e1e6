"""Snapshots as bytes, named by the hash of their content."""

import datetime as dt

from assetmix.codec.documents import INSTRUMENT
from assetmix.codec.payload import content_digest, pack, unpack
from assetmix.domain.snapshot import RateSeries, Snapshot

__all__ = ["content_digest", "read_snapshot", "write_snapshot"]

EXTRA = "extra:"


def write_snapshot(snapshot: Snapshot) -> bytes:
    """Write a snapshot; equal snapshots give equal bytes."""
    facts = {
        "as_of": snapshot.as_of.isoformat(),
        "instruments": [INSTRUMENT.write(instrument) for instrument in snapshot.instruments],
        "rates": [[one.currency, one.quote] for one in snapshot.rates],
    }
    arrays = {"dates": snapshot.dates, "closes": snapshot.closes, "history": snapshot.history}
    arrays |= {f"{EXTRA}{name}": table for name, table in snapshot.extras.items()}
    for i, one in enumerate(snapshot.rates):
        arrays |= {f"rate:{i}:dates": one.dates, f"rate:{i}:values": one.values}
    return pack(facts, arrays)


def read_snapshot(payload: bytes) -> Snapshot:
    """Read what `write_snapshot` wrote."""
    facts, arrays = unpack(payload)
    return Snapshot(
        as_of=dt.date.fromisoformat(facts["as_of"]),
        instruments=tuple(INSTRUMENT.read_value(one) for one in facts["instruments"]),
        closes=arrays["closes"],
        dates=arrays["dates"],
        history=arrays["history"],
        extras={name.removeprefix(EXTRA): table for name, table in arrays.items() if name.startswith(EXTRA)},
        rates=tuple(
            RateSeries(currency, quote, arrays[f"rate:{i}:dates"], arrays[f"rate:{i}:values"])
            for i, (currency, quote) in enumerate(facts["rates"])
        ),
    )
