"""Instructions to trade, and trades that were left out with their reason."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An instruction to buy or sell so many units.

    `quantity` is positive; `price` and `cost` are in the portfolio's base currency, `cost` for
    the whole order. `priced_on` is the day of the price that the order assumes.
    """

    instrument: str
    side: Literal["buy", "sell"]
    quantity: float
    price: float
    cost: float
    reason: str
    priced_on: dt.date | None = None

    @property
    def units(self) -> float:
        """Signed quantity: positive to buy, negative to sell."""
        return self.quantity if self.side == "buy" else -self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A trade that the optimum asks for and that no order was made of."""

    instrument: str
    reason: str
