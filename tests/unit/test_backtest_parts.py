"""A walk in parts is the walk in one, wherever it is taken up again."""

import itertools
import json

import numpy as np
import pytest

from assetmix.backtest.parts import begun, finished, parts, resumed
from assetmix.backtest.run import plan
from assetmix.backtest.spec import Schedule
from assetmix.codec.backtests import join_paths, pack_path, page_of, unpack_path, write_backtest, write_decisions
from assetmix.optimization.rules.equal_weight import EqualWeight
from assetmix.optimization.strategy import Strategy, UniverseById
from tests import markets

PRICES = markets.made_prices(count=3, sessions=60)
STRATEGY = Strategy(objective=EqualWeight(), universe=UniverseById(ids=tuple(PRICES.columns)))


def ready(kind: str):
    schedule = Schedule(kind=kind, band=0.02 if kind == "drift" else None)
    spec = markets.spec_of(PRICES, schedule=schedule, execution="next_close")
    return plan(markets.question_of(PRICES, STRATEGY), spec, markets.tools())


@pytest.mark.parametrize("kind", ["daily", "weekly", "drift", "never"])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_walk_taken_up_after_every_part_is_the_whole_walk(kind: str, size: int) -> None:
    whole = list(parts(ready(kind), begun(ready(kind)), lambda _: False))
    stored: list[bytes] = []
    for _ in itertools.count():
        mine = ready(kind)
        before = resumed(mine, unpack_path(join_paths(stored))) if stored else begun(mine)
        part = next(parts(mine, before, lambda decisions: decisions >= size), None)
        if part is None:
            break
        assert part.number == len(stored)
        stored.append(pack_path(mine, part))

    walked = resumed(mine, unpack_path(join_paths(stored)))

    np.testing.assert_array_equal(walked.values[1:], whole[0].values)
    assert len(walked.rebalances) == len(whole[0].carried)
    one = json.loads(write_backtest(finished(mine, walked)))
    mine = ready(kind)
    again = json.loads(write_backtest(finished(mine, resumed(mine, unpack_path(pack_path(mine, whole[0]))))))
    assert one == again


def test_a_page_is_cut_from_the_parts_that_hold_it() -> None:
    mine = ready("daily")
    texts = [write_decisions(mine, part) for part in parts(mine, begun(mine), lambda decisions: decisions >= 10)]

    found = page_of(texts[1:3], 5, 10)

    days = [day.date().isoformat() for day in PRICES.index]
    assert [one["decided"] for one in found] == days[15:25]
    assert set(found[0]["weights"]) == set(PRICES.columns)
