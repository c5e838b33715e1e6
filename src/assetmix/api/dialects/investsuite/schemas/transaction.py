"""Transactions: orders and movements of cash, as the broker reports them."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from assetmix.api.dialects.investsuite.schemas.common import (
    ExternalId,
    Moment,
    Number,
    OptimizationId,
    Strict,
)
from assetmix.codec.documents import Codec

MovementType: TypeAlias = Literal[
    "CASH_DEPOSIT",
    "CASH_DIVIDEND",
    "CASH_WITHDRAWAL",
    "COUPON",
    "BUY",
    "SELL",
    "CORPORATE_ACTION_IN",
    "CORPORATE_ACTION_OUT",
    "REVERSE_STOCK_SPLIT",
    "STOCK_DIVIDEND",
    "STOCK_SPLIT",
    "TRANSFER_IN",
    "TRANSFER_OUT",
    "CUSTODY_FEE",
    "INSTRUMENT_ENTRY_EXIT_FEE",
    "MANAGEMENT_FEE",
    "OTHER_FEE",
    "OTHER_TAX",
    "SERVICE_ENTRY_EXIT_FEE",
    "TRANSACTION_FEE",
    "WITHHOLDING_TAX",
]
REQUESTED = ("PLANNED", "PENDING", "PLACED")
EXECUTED = ("EXECUTED", "SETTLED", "CANCELLED", "NOT_EXECUTED", "EXPIRED")
MovementStatus: TypeAlias = Literal[
    "PLANNED", "PENDING", "PLACED", "EXECUTED", "SETTLED", "CANCELLED", "NOT_EXECUTED", "EXPIRED"
]


class Movement(Strict):
    """Units or money that move."""

    external_id: ExternalId | None = None
    reference_external_id: ExternalId | None = None
    type: MovementType
    status: MovementStatus
    datetime: Moment
    instrument_id: Annotated[str, Field(min_length=1, max_length=128)]
    quantity: Number
    unit_price: Number | None = None
    unit_price_currency: str | None = None
    reference_instrument_id: str | None = None
    description: Annotated[str, Field(max_length=1024)] | None = None
    trade_type: Literal["CANCEL", "REBOOK", "INSTRUMENT_CHANGE", "CORRECTION"] | None = None


class TransactionBody(Strict):
    """A transaction as it is created or changed: in a change its movements are replaced as a whole."""

    external_id: ExternalId | None = None
    optimization_id: OptimizationId | None = None
    order_type: Literal["MARKET", "LIMIT"] | None = None
    type: Literal["ORDER", "CASH", "CORPORATE_ACTION", "SECURITY_TRANSFER", "ADMINISTRATIVE"] | None = None
    movements: Annotated[list[Movement], Field(min_length=1, max_length=200)]


TRANSACTION: Codec[TransactionBody] = Codec(TransactionBody)
MOST = 1000
"""Transactions of one request."""

Many: TypeAlias = Annotated[list[TransactionBody], Field(min_length=1, max_length=MOST)]
TRANSACTIONS: Codec[TransactionBody | list[TransactionBody]] = Codec(TransactionBody | Many)
