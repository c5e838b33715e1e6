"""What the clients of a storm were told, and whether the database agrees."""

import random
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.faults.stack import WORKERS, Hurtable

SAMPLE = 50


@dataclass
class History:
    """What the clients were told, and what was done to the stack."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Run by idempotency key."""

    strange: list[str] = field(default_factory=list)
    """Answers that no client should ever have."""

    retries: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    reclaims: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    hurt: Counter[str] = field(default_factory=Counter)
    """How often each run was hurt."""

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(count for name, count in self.done.items() if name.startswith("kill "))


def verdict_of(hurt: Hurtable, history: History) -> dict[str, Any]:
    """Compare what the database holds with what the clients were told."""
    rows = hurt.sql(
        "select o.id, o.status, o.error, o.result is not null as answered, o.optimization_hash, o.attempt,"
        " (select count(*) from events e where e.tenant_id = o.tenant_id and e.run_id = o.id) as events,"
        " (select count(*) from audit a where a.tenant_id = o.tenant_id and a.subject = o.id"
        "   and a.action = 'optimization.end') as ends,"
        " (select count(*) from audit a where a.tenant_id = o.tenant_id and a.subject = o.id"
        "   and a.action = 'optimization.lost' and (a.details ->> 'blame')::boolean)"
        " + coalesce((o.error ->> 'type' = '/problems/worker-lost')::integer, 0) as losses from optimizations o"
    )
    ended = {row["id"] for row in rows if row["status"] == "succeeded" and row["answered"]}
    written = {row["id"] for row in rows if row["events"] >= 1 and row["ends"] >= 1}
    twice = {row["id"] for row in rows if row["events"] > 1 or row["ends"] > 1}
    known = set(history.accepted.values())
    return {
        "runs": len(history.accepted),
        "kills": history.kills,
        "lost": len(known - (ended & written)),
        # a run told twice, or one that no client knows of
        "doubled": len(twice | ({row["id"] for row in rows} - known)) + len(history.accepted) - len(known),
        "attempts": sum(row["attempt"] for row in rows),
        "inputs": len({row["optimization_hash"] for row in rows}),
        # a run is blamed for no more than was done to it
        "blamed": len([row for row in rows if row["losses"] > history.hurt[row["id"]]]),
        "strange": history.strange[:5] + _disagreements(hurt, history),
        "unlike": [
            _told(row, history) for row in rows if row["id"] not in ended or row["losses"] > history.hurt[row["id"]]
        ],
    }


def _told(row: asyncpg.Record, history: History) -> str:
    """Say of a run that did not succeed, or was blamed wrongly, how it ended and how often it was hurt."""
    hurt = history.hurt[row["id"]]
    return f"{row['id']} {row['status']}, attempt {row['attempt']}, lost {row['losses']}, hurt {hurt}: {row['error']}"


def _disagreements(hurt: Hurtable, history: History) -> list[str]:
    """Whether the API tells of some runs what the database holds."""
    chosen = random.sample(sorted(history.accepted.values()), min(SAMPLE, len(history.accepted)))
    with hurt.client("storm") as client:
        found = [client.get(f"/v1/optimizations/{run_id}").json() for run_id in chosen]
    return [run["id"] for run in found if run["status"] != "succeeded" or run["result"] is None]


def figures_of(history: History) -> dict[str, Any]:
    return {
        "faults": dict(sorted(history.done.items())),
        "retries": dict(sorted(history.retries.items())),
        "reclaim_seconds": {kind: _percentiles(seconds) for kind, seconds in sorted(history.reclaims.items())},
        "workers": len(WORKERS),
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return {"n": len(ordered), "p50": round(statistics.median(ordered), 2), "p99": round(last, 2)}
