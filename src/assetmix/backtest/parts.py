"""A walk in parts: each can be stored, and the walk goes on from the last one that was."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from assetmix.backtest.result import Backtest, Rebalance
from assetmix.backtest.run import Plan, summed_up, told
from assetmix.backtest.walk import Carried, Standing, walk
from assetmix.domain.arrays import Vector

IsFull = Callable[[int], bool]
"""Whether a part with so many decisions is to end."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A number of stretches: their decisions, their values (k,), and where the walk stands after them."""

    number: int
    carried: tuple[Carried, ...]
    values: Vector
    standing: Standing


@dataclass(frozen=True, slots=True, eq=False)
class Progressed:
    """What was walked before: parts, decisions without weights, values (k,), and where the walk stands."""

    parts: int
    rebalances: tuple[Rebalance, ...]
    values: Vector
    standing: Standing


def begun(ready: Plan) -> Progressed:
    """Give a walk that has not gone anywhere yet."""
    return Progressed(0, (), ready.first_value, ready.begin)


def resumed(ready: Plan, stored: Progressed) -> Progressed:
    """Give a walk that has stored its parts, whose values are those after the first."""
    return replace(stored, values=np.concatenate([ready.first_value, stored.values]))


def parts(ready: Plan, before: Progressed, is_full: IsFull) -> Iterator[Part]:
    """Walk on from what was walked before, a part at a time; nothing of a part is kept after it was given."""
    number, carried, values = before.parts, [], []
    standing = before.standing
    for stretch in walk(ready.course, ready.advise, before.standing):
        values.append(stretch.values)
        standing = stretch.standing
        if stretch.carried is not None:
            carried.append(stretch.carried)
        if is_full(len(carried)):
            yield Part(number, tuple(carried), np.concatenate(values), standing)
            number, carried, values = number + 1, [], []
    if values:
        yield Part(number, tuple(carried), np.concatenate(values), standing)


def further(ready: Plan, before: Progressed, part: Part) -> Progressed:
    """Add a part to what was walked before it."""
    rebalances = tuple(told(ready.course, one) for one in part.carried)
    values = np.concatenate([before.values, part.values])
    return Progressed(part.number + 1, before.rebalances + rebalances, values, part.standing)


def finished(ready: Plan, walked: Progressed) -> Backtest:
    """Sum up a walk that has come to its end."""
    return summed_up(ready, walked.values, walked.rebalances)


def share(ready: Plan, place: int) -> float:
    """Part of all sessions, 0 to 1, that lies before a session."""
    return (place - ready.begin.place) / max(1, ready.course.market.last - ready.begin.place)
