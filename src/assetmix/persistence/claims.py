"""The next run for a worker: fair between tenants, in turn within one, never two of a portfolio.

Postgres' function `claim_run` does it in one round trip (migration 0021). Who is next is read through an
index of the waiting runs, a tenant at a time; so a claim costs the same whether a hundred runs wait
or a hundred thousand.
"""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from assetmix.errors import Conflict
from assetmix.persistence import tallies
from assetmix.persistence.optimizations import STORED, Run, reading, run_of
from assetmix.persistence.prepared import Prepared
from assetmix.persistence.pulse import SEEN_SECONDS
from assetmix.persistence.session import Connection, Driver

_LABELS = [*(f";{one}" for one in tallies.BOUNDS), ";+Inf"]
_CLAIMED = sa.func.claim_run(
    sa.bindparam("worker", type_=sa.Text),
    sa.bindparam("lease", type_=sa.Interval),
    sa.bindparam("share", type_=sa.Double),
    sa.literal(dt.timedelta(seconds=SEEN_SECONDS), sa.Interval),
    sa.bindparam("slot", type_=sa.SmallInteger),
    sa.literal(list(tallies.BOUNDS), ARRAY(sa.Double)),
    sa.literal(_LABELS, ARRAY(sa.Text)),
).table_valued(*(sa.column(one.name, one.type) for one in STORED))
_CLAIM = Prepared(sa.select(*reading(_CLAIMED)))


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims, for how long, and which part of all workers one tenant may keep busy at most."""

    worker: str
    lease_seconds: float
    share: float = 1.0


async def claim(connection: Connection | Driver, wanted: Claim) -> Run | None:
    """Take the next eligible run, fair between tenants: the tenant with the fewest running comes first.

    A run is eligible when no other of its portfolio is running and its tenant has room below its
    cap. None when nothing is eligible. Also outside a transaction, which it then is by itself.

    Raises
    ------
    Conflict
        when others claimed at the same moment; the next attempt, in a transaction of its own, may succeed
    """
    lease = dt.timedelta(seconds=wanted.lease_seconds)
    values: dict[str, object] = {"worker": wanted.worker, "lease": lease, "share": wanted.share, "slot": tallies.slot()}
    row = await _CLAIM.one(connection, **values)
    if row is None:
        return None
    if row["id"] is None:
        raise Conflict("others have just claimed runs of the same tenant")
    return run_of(row)
