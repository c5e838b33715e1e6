"""Names that callers choose."""

import unicodedata

from assetmix.errors import Fault, InvalidRequest
from assetmix.services.ids import looks_like_id

LONGEST = 128
CURRENCY_LETTERS = 3
RESERVED = {"validate"}
"""Last parts of fixed addresses beside which names stand: `/v1/strategies/validate`."""


def require_name(name: str, noun: str) -> None:
    """Refuse a name that could not be told from an id or would not fit a path.

    Raises
    ------
    InvalidRequest
        with the cure
    """
    if name in RESERVED:
        cure = f"{name} is the name of an address of the service; choose another"
        raise InvalidRequest(cure, [Fault("", "reserved-name", cure)])
    printable = all(unicodedata.category(letter) != "Cc" for letter in name)
    if not 1 <= len(name) <= LONGEST or "/" in name or not printable or looks_like_id(name):
        cure = (
            f"a {noun} name has 1 to {LONGEST} characters, no / and no control characters, and is not shaped like an id"
        )
        raise InvalidRequest(cure, [Fault("", "invalid-name", cure)])


def currency_faults(currency: str, pointer: str) -> list[Fault]:
    """Refuse what is not the code of a currency."""
    if len(currency) == CURRENCY_LETTERS and currency.isascii() and currency.isalpha() and currency.isupper():
        return []
    detail = "a currency is its three-letter code in capitals, for example USD (ISO 4217)"
    return [Fault(pointer, "invalid-currency", detail)]


def is_printable(name: str) -> bool:
    """Whether a name can be seen: no control, format or unassigned characters, no space at either end."""
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return name == name.strip() and all(unicodedata.category(letter) not in hidden for letter in name)
