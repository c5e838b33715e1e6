"""International securities identification numbers."""

import re

_SHAPE = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
CARRY = 9


def is_misprinted_isin(text: str) -> bool:
    """Whether an id has the shape of an ISIN and not its check digit.

    Letters count as 10 to 35; from the right, every second digit is doubled and its digits are
    summed; the sum is a multiple of ten.

    Source: ISO 6166:2021, annex B.
    """
    if not _SHAPE.fullmatch(text):
        return False
    digits = [int(digit) for character in text for digit in str(int(character, 36))]
    doubled = [2 * digit if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(digit - CARRY if digit > CARRY else digit for digit in doubled) % 10 != 0
