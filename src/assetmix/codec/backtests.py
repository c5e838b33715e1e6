"""Backtests as JSON, and their parts as bytes."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from pydantic_core import to_json

from assetmix.backtest.account import Account
from assetmix.backtest.decisions import Decisions
from assetmix.backtest.parts import Part, Progressed
from assetmix.backtest.result import Backtest, Drawdown, Rebalance, Statistics, Year
from assetmix.backtest.run import Plan, told
from assetmix.backtest.walk import Standing
from assetmix.codec.payload import Arrays, pack, unpack

_STATISTICS: TypeAdapter[Statistics] = TypeAdapter(Statistics)
_DRAWDOWNS: TypeAdapter[tuple[Drawdown, ...]] = TypeAdapter(tuple[Drawdown, ...])
_YEARS: TypeAdapter[tuple[Year, ...]] = TypeAdapter(tuple[Year, ...])
_REBALANCE: TypeAdapter[Rebalance] = TypeAdapter(Rebalance)
_SUMMARY = {"weights", "trades"}
"""What only pages of decisions have."""


def write_backtest(found: Backtest) -> bytes:
    """Write a backtest as JSON text: values by date, and decisions without weights and trades."""
    path = found.path
    other = [None] * len(path.values) if path.benchmark is None else path.benchmark.tolist()
    rows = zip(path.dates, path.values.tolist(), other, path.fallen.tolist(), strict=True)
    names = ("date", "value", "benchmark", "drawdown")
    return bytes(
        to_json(
            {
                "status": "optimal",
                "sentence": found.sentence,
                "statistics": _STATISTICS.dump_python(found.statistics),
                "values": [dict(zip(names, row, strict=True)) for row in rows],
                "drawdowns": _DRAWDOWNS.dump_python(found.drawdowns),
                "years": _YEARS.dump_python(found.years),
                "rebalances": [_REBALANCE.dump_python(one, exclude=_SUMMARY) for one in found.rebalances],
            }
        )
    )


def write_rebalance(one: Rebalance) -> dict[str, Any]:
    """Write a decision with its weights and trades."""
    return dict(_REBALANCE.dump_python(one, mode="json"))


def pack_path(ready: Plan, part: Part) -> bytes:
    """Write what a walk needs to go on from a part, and to be summed up."""
    standing, days = part.standing, ready.course.market.days
    facts: dict[str, Any] = {"place": standing.place, "decided": standing.decided, "cash": standing.account.cash}
    facts |= {"number": part.number, "told": [[one.status, one.sentence] for one in part.carried]}
    arrays: Arrays = {
        "values": part.values,
        "units": standing.account.units,
        "decided": days[np.array([one.decided for one in part.carried], dtype=np.int64)],
        "executed": days[np.array([one.executed for one in part.carried], dtype=np.int64)],
        "turnover": np.array([one.turnover for one in part.carried]),
        "cost": np.array([one.cost for one in part.carried]),
    }
    return pack(facts, arrays if standing.wanted is None else {**arrays, "wanted": standing.wanted})


def unpack_path(payload: bytes) -> Progressed:
    """Read what `pack_path` wrote."""
    facts, arrays = unpack(payload)
    standing = Standing(facts["place"], Account(arrays["units"], facts["cash"]), facts["decided"], arrays.get("wanted"))
    figures = zip(*(arrays[name].tolist() for name in ("decided", "executed", "turnover", "cost")), strict=True)
    rebalances = tuple(
        Rebalance(
            decided=dt.date.fromordinal(decided),
            executed=dt.date.fromordinal(executed),
            status=status,
            sentence=sentence,
            turnover=turnover,
            cost=cost,
        )
        for (status, sentence), (decided, executed, turnover, cost) in zip(facts["told"], figures, strict=True)
    )
    return Progressed(facts["number"] + 1, rebalances, arrays["values"], standing)


def join_paths(payloads: Sequence[bytes]) -> bytes:
    """Put the payloads of a walk's parts together, so that they are read as one."""
    read = [unpack(payload) for payload in payloads]
    facts = read[-1][0] | {"told": [one for facts, _ in read for one in facts["told"]]}
    series = ("values", "decided", "executed", "turnover", "cost")
    arrays = read[-1][1] | {name: np.concatenate([arrays[name] for _, arrays in read]) for name in series}
    return pack(facts, arrays)


def pack_decisions(made: Decisions) -> bytes:
    """Write decisions that were made beforehand."""
    arrays = {"places": made.places, "weights": made.weights, "cash": made.cash}
    return pack({"sentences": list(made.sentences)}, arrays)


def unpack_decisions(payload: bytes) -> Decisions:
    """Read what `pack_decisions` wrote."""
    facts, arrays = unpack(payload)
    return Decisions(arrays["places"], arrays["weights"], arrays["cash"], tuple(facts["sentences"]))


def write_decisions(ready: Plan, part: Part) -> bytes:
    """Write the decisions of a part with weights and trades, as JSON text."""
    whole = [told(ready.course, one, whole=True) for one in part.carried]
    return bytes(to_json([_REBALANCE.dump_python(one) for one in whole]))


def page_of(texts: Sequence[bytes | str], skip: int, limit: int) -> list[dict[str, Any]]:
    """Give some of the decisions that are written in texts."""
    adapter: TypeAdapter[list[Any]] = TypeAdapter(list[Any])
    return [one for text in texts for one in adapter.validate_json(text)][skip : skip + limit]
