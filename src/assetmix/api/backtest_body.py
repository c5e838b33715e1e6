"""What every dialect's request for a backtest says beside its portfolio and its strategy."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from assetmix.backtest.spec import BacktestSpec, Charges, Dividend, Schedule


class BacktestMembers(BaseModel):
    """How a strategy is walked through past sessions.

    `charges` are what orders cost in the simulation; without them it is what the strategy presumes.
    Positions within `size_band` of their target, a fraction of the target, are not traded (absent:
    that of the strategy). What has had no price for `delisted_after` sessions is paid out at its
    last price. With a `calendar` (XNYS) only that exchange's sessions count.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    begin: Annotated[dt.date, Field(alias="from")]
    end: Annotated[dt.date, Field(alias="to")]
    schedule: Schedule = Field(default_factory=Schedule)
    execution: Literal["next_close", "same_close"] = "next_close"
    charges: Charges | None = None
    cash_rate: float = 0.0
    prices: Literal["adjusted", "close"] = "adjusted"
    dividends: list[Dividend] = Field(default_factory=list)
    size_band: float | None = None
    delisted_after: int = 10
    calendar: str | None = None

    def spec(self) -> BacktestSpec:
        """What the core is asked to do."""
        return BacktestSpec(
            start=self.begin,
            end=self.end,
            schedule=self.schedule,
            execution=self.execution,
            charges=self.charges,
            cash_rate=self.cash_rate,
            prices=self.prices,
            dividends=tuple(self.dividends),
            size_band=self.size_band,
            delisted_after=self.delisted_after,
            calendar=self.calendar,
        )
