"""Checksums that a rule may ask of the text it matched. A closed list: a pack names one, it cannot bring its own."""

from __future__ import annotations

from collections.abc import Callable

from dataaudit.rules.model import Validator

IBAN_MIN, IBAN_MAX = 15, 34
"""Characters of the shortest IBAN in use (Norway) and of the longest that ISO 13616 allows."""
LUHN_MIN, LUHN_MAX = 12, 19
"""Digits of a card number (ISO/IEC 7812)."""


def luhn(text: str) -> bool:
    """Are the ASCII digits in the text a number of 12 to 19 digits with a correct check digit (ISO/IEC 7812-1)?
    Whatever else stands between the digits is passed over."""
    digits = [ord(char) - 48 for char in text if "0" <= char <= "9"]
    if not LUHN_MIN <= len(digits) <= LUHN_MAX:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Is the text, without white space and hyphens, an IBAN: two letters, two check digits and letters or digits, of
    15 to 34 characters, with the remainder 1 by ISO 7064 MOD 97-10?"""
    plain = "".join(char for char in text.upper() if not char.isspace() and char != "-")
    if not IBAN_MIN <= len(plain) <= IBAN_MAX or not (plain.isascii() and plain.isalnum()):
        return False
    if not (plain[:2].isalpha() and plain[2:4].isdigit()):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


VALIDATE: dict[Validator, Callable[[str], bool]] = {"iban": iban, "luhn": luhn}
