"""A portfolio: what is held, in which currency, against what it is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from assetmix.domain.instrument import cash_key, is_cash


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """Quantities by instrument id and cash by currency key (`$USD`).

    Quantities are units of the instrument or of the currency; a negative one is a short
    position or an overdraft. `divest_amount` is money in the base currency that is to be set free
    and kept as cash until it is paid out; from the portfolio's whole worth on, everything is sold.
    """

    base_currency: str
    holdings: Mapping[str, float]
    strategy: str | None = None
    benchmark: Mapping[str, float] = field(default_factory=dict)
    quantity_type: Literal["UNITS", "AMOUNT"] | None = None
    divest_amount: float = 0.0

    @property
    def cash(self) -> float:
        """Money in the base currency."""
        return float(self.holdings.get(cash_key(self.base_currency), 0.0))

    @cached_property
    def positions(self) -> Mapping[str, float]:
        """Quantities of everything but cash in the base currency, without empty ones."""
        base = cash_key(self.base_currency)
        return {key: float(units) for key, units in self.holdings.items() if key != base and units != 0}

    @cached_property
    def foreign_currencies(self) -> tuple[str, ...]:
        """Codes of the currencies, other than the base currency, that are held as cash, sorted."""
        return tuple(sorted(key.removeprefix("$") for key in self.positions if is_cash(key)))
