"""Words that somebody wrote in several languages: `name#nb` beside `name` (RFC 7591 §2.2)."""

from collections.abc import Mapping, Sequence
from typing import Any


def localized(members: Mapping[str, Any], name: str, languages: Sequence[str]) -> str | None:
    """A member for people, in the first of these languages that there is, else the plain one.

    `client_name#nb` is the name in Norwegian; `nb-NO` finds it too.
    """
    translated = {
        member.partition("#")[2].lower(): value for member, value in members.items() if member.startswith(f"{name}#")
    }
    for language in languages if translated else ():
        for tag in (language.lower(), language.lower().partition("-")[0]):
            if tag in translated:
                return str(translated[tag])
    plain = members.get(name)
    return plain if isinstance(plain, str) else None
