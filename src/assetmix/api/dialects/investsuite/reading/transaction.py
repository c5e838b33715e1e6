"""Transactions with the status that their movements amount to."""

from collections.abc import Sequence
from typing import Any

from assetmix.api.dialects.investsuite.schemas.transaction import EXECUTED, REQUESTED, Movement, TransactionBody
from assetmix.errors import Fault
from assetmix.optimization.check import refuse

CASH_ONLY = {"CASH_DEPOSIT", "CASH_WITHDRAWAL", "CASH_DIVIDEND"}


def read_transaction(body: TransactionBody, pointer: str = "", *, exclude_unset: bool = False) -> dict[str, Any]:
    """A transaction as it is kept.

    Raises
    ------
    InvalidRequest
        when it has more than one movement that only asks for something, or moves cash of no currency
    """
    refuse(_faults(body.movements, pointer))
    document = body.model_dump(mode="json", exclude_unset=exclude_unset)
    document["movements"] = [one.model_dump(mode="json", exclude_unset=True) for one in body.movements]
    return document | {"status": status_of(body.movements)}


def status_of(movements: Sequence[Movement]) -> str:
    """The status of a transaction: what was executed counts before what was asked for.

    Of several that were executed the one counts that is least final, of several that were not the
    first of cancelled, not executed, expired.
    """
    found = {one.status for one in movements}
    for status in (*EXECUTED, *reversed(REQUESTED)):
        if status in found:
            return status
    raise AssertionError("a transaction has a movement, and a movement a status")


def _faults(movements: Sequence[Movement], pointer: str) -> list[Fault]:
    asking = [i for i, one in enumerate(movements) if one.status in REQUESTED]
    faults = [
        Fault(
            f"{pointer}/movements/{i}/status",
            "second-request",
            f"one movement at most is {', '.join(REQUESTED)}; keep the latest",
        )
        for i in asking[1:]
    ]
    for i, one in enumerate(movements):
        if one.type in CASH_ONLY and not one.instrument_id.startswith("$"):
            detail = f"{one.type} moves cash; its instrument_id is that of a currency, for example $USD"
            faults.append(Fault(f"{pointer}/movements/{i}/instrument_id", "not-cash", detail))
        if one.quantity == 0:
            faults.append(
                Fault(f"{pointer}/movements/{i}/quantity", "out-of-range", "a movement of nothing; leave it out")
            )
    return faults
