"""A whole backtest in one go."""

import numpy as np

from assetmix.backtest.adviser import Tools
from assetmix.backtest.decisions import steadied
from assetmix.backtest.result import Backtest
from assetmix.backtest.run import Progress, checked_plan, summed_up, told
from assetmix.backtest.spec import BacktestSpec
from assetmix.backtest.walk import walk
from assetmix.optimization.resolve import Question


def backtest(question: Question, spec: BacktestSpec, tools: Tools, progress: Progress) -> Backtest:
    """Walk through the sessions and sum up.

    Raises
    ------
    InvalidRequest
        when the backtest cannot begin
    OutOfTime
        when the time allowed is over before the end
    """
    ready, _ = steadied(checked_plan(question, spec, tools), tools.memory)
    values, rebalances = [ready.first_value], []
    for stretch in walk(ready.course, ready.advise, ready.begin):
        values.append(stretch.values)
        if stretch.carried is not None:
            rebalances.append(told(ready.course, stretch.carried))
        progress((stretch.standing.place - ready.begin.place) / max(1, len(ready.days) - 1))
    return summed_up(ready, np.concatenate(values), rebalances)
