"""Names that callers choose."""

import unicodedata

from assetmix.errors import Fault, InvalidRequest
from assetmix.services.ids import looks_like_id

LONGEST = 128


def require_name(name: str, noun: str) -> None:
    """Refuse a name that could not be told from an id or would not fit a path.

    Raises
    ------
    InvalidRequest
        with the cure
    """
    printable = all(unicodedata.category(letter) != "Cc" for letter in name)
    if not 1 <= len(name) <= LONGEST or "/" in name or not printable or looks_like_id(name):
        cure = (
            f"a {noun} name has 1 to {LONGEST} characters, no / and no control characters, and is not shaped like an id"
        )
        raise InvalidRequest(cure, [Fault("", "invalid-name", cure)])
