"""Counts that outlive processes: how often what has happened, since the tables were made.

Each process adds to rows of its own (a slot), so that counting makes nobody wait. A transaction
counts once, in one statement whose rows are in order, so that no two can block each other.
"""

import os
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from assetmix.persistence.run_rows import tallies
from assetmix.persistence.session import Connection

SLOTS = 64

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the buckets of seconds; beyond them +Inf."""

Counts = Mapping[tuple[str, str], float]
"""Name and label of what is counted, and how much is added."""


ADD = sa.text("""
    insert into tallies (name, label, slot, value)
    select name, label, cast(:slot as smallint), value
    from unnest(cast(:names as text[]), cast(:labels as text[]), cast(:counted as float[])) g (name, label, value)
    order by name, label
    on conflict (name, label, slot) do update set value = tallies.value + excluded.value
""")


async def add(connection: Connection, counts: Counts) -> None:
    """Add to counts; the last statement of a transaction."""
    await connection.execute(ADD, values(counts))


def slot() -> int:
    """The rows that this process adds to."""
    return os.getpid() % SLOTS


def values(counts: Counts) -> dict[str, object]:
    """What `ADD` adds, as its parameters."""
    rows = sorted(counts.items())
    return {
        "slot": slot(),
        "names": [name for (name, _), _ in rows],
        "labels": [label for (_, label), _ in rows],
        "counted": [value for _, value in rows],
    }


async def read(connection: Connection) -> dict[tuple[str, str], float]:
    """Give every count."""
    total = sa.func.sum(tallies.c.value).label("total")
    query = sa.select(tallies.c.name, tallies.c.label, total).group_by(tallies.c.name, tallies.c.label)
    return {(row.name, row.label): row.total for row in (await connection.execute(query)).all()}


def seconds(name: str, label: str, value: float) -> dict[tuple[str, str], float]:
    """Counts of one observation of seconds: its bucket and the sum."""
    bound = next((str(bound) for bound in BOUNDS if value <= bound), "+Inf")
    return {(f"{name}_bucket", f"{label};{bound}"): 1.0, (f"{name}_sum", label): value}


def together(parts: Iterable[Counts]) -> dict[tuple[str, str], float]:
    """Add up counts."""
    total: dict[tuple[str, str], float] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total.get(key, 0.0) + value
    return total
