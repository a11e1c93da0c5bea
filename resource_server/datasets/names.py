"""What names and descriptions may contain."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

# Characters that make the rest of a line read in another order than it is stored.
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def line(value: str) -> str:
    """Text for one line: no control, surrogate or bidi-override character."""
    if any(unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI for char in value):
        raise ValueError("contains a control, surrogate or bidi-override character")
    return value


def prose(value: str) -> str:
    """Text that may have lines and tabs."""
    line(value.translate({ord(char): None for char in "\n\r\t"}))
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(line)]
Description = Annotated[str, StringConstraints(max_length=2000), AfterValidator(prose)]
