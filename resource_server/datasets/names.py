"""What names and descriptions may contain."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

# Characters that make the rest of a line read in another order than it is stored.
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_NO_LINE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_INK: Final = frozenset("LNPS")  # the general categories of characters that are not spaces, marks or format characters
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and a symbol, drawn as nothing


def line(value: str) -> str:
    """Text for one line: no control, surrogate, line-separating or bidi-override character."""
    if any(unicodedata.category(char) in _NO_LINE or char in _BIDI for char in value):
        raise ValueError("contains a control, surrogate, line-separating or bidi-override character")
    return value


def seen(value: str) -> str:
    """Text of which something is there to be seen, in a list as in a link."""
    if not any(unicodedata.category(char)[0] in _INK and char not in _BLANK for char in value):
        raise ValueError("shows nothing: it has no letter, digit, punctuation or symbol")
    return value


def prose(value: str) -> str:
    """Text that may have lines and tabs."""
    line(value.translate({ord(char): None for char in "\n\r\t\u2028\u2029"}))
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(line), AfterValidator(seen)]
Description = Annotated[str, StringConstraints(max_length=2000), AfterValidator(prose)]
