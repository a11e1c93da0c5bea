"""Authorization details (RFC 9396) as a grant holds them: what is within what, and what reaches an audience; pure.

The rule of "no more than was granted" (RFC 9396 §6.1 leaves it to the type) is one for all types: an entry is within
another if both have the same members, each list in it has some of the other's items, and anything else is equal. So a
list can be shortened, never emptied or left out: for most types a list that is not there means "all of them".
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

Detail = dict[str, Any]  # one entry: `type`, perhaps `locations` (resource URIs), and what the type says
Details = tuple[Detail, ...]


def within(entry: Detail, granted: Iterable[Detail]) -> bool:
    """Whether one of the granted entries allows as much as this one."""
    return any(entry.keys() == other.keys() and all(_no_more(entry[name], other[name]) for name in entry)
               for other in granted)  # fmt: skip


def reaching(details: Details | None, audience: Collection[str]) -> list[Detail] | None:
    """The entries that concern this audience (RFC 9396 §9.1): those located there, and those without a location.

    An empty list still narrows, to nothing; None does not.
    """
    if details is None:
        return None
    return [entry for entry in details if "locations" not in entry or set(entry["locations"]) & set(audience)]


def canonical(value: object) -> str:
    """One spelling of a JSON value: true is not 1 here, as it is in Python."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _no_more(value: object, granted: object) -> bool:
    if canonical(value) == canonical(granted):
        return True
    if not isinstance(value, list) or not isinstance(granted, list):
        return False
    return bool(value) and set(map(canonical, value)) <= set(map(canonical, granted))
