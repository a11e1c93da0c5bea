"""Pages: `?limit=&cursor=` in, `{"items": […], "next": …}` out; a page begins behind the last item of the one before.

A cursor is sealed, for one person and one path: nobody learns an internal id from it, makes one, or passes one on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask

from idp.context import keys, now
from idp.errors import InvalidRequest
from idp.oauth.request import Payload, parse

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_SEARCH = 200  # characters

_PURPOSE = "api-cursor"
_LIFETIME = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What is asked for: at most `limit` items behind the position `after` (none: from the first), matching `q`."""

    limit: int
    after: tuple[str, ...]
    q: str
    reader: str  # for whom the next cursor is


def page_request(reader: str) -> PageRequest:
    """Read the query of this HTTP request; `reader` is the token's `sub`.

    Raises:
        InvalidRequest: a value is not what it can be, or comes twice.
    """
    query = Payload(parse(flask.request.query_string))
    if query.repeated:
        raise InvalidRequest("a parameter was sent more than once", private=f"{sorted(query.repeated)}")
    q = query.get("q") or ""
    if len(q) > MAX_SEARCH:
        raise InvalidRequest(f"q has at most {MAX_SEARCH} characters")
    return PageRequest(_limit(query.get("limit")), _after(query.get("cursor"), reader), q, reader)


def page(request: PageRequest, items: Sequence[dict[str, Any]], last: tuple[str, ...] | None) -> dict[str, Any]:
    """The answer: the items, and the cursor behind `last`, the position of the last one; None ends the list."""
    return {"items": items, "next": _cursor(last, request.reader) if last else None}


def _limit(value: str | None) -> int:
    if value is None:
        return DEFAULT_LIMIT
    # isdigit() alone takes other scripts' digits too, and int() takes thousands of them.
    if not (value.isascii() and value.isdigit() and len(value) <= 3 and 1 <= int(value) <= MAX_LIMIT):
        raise InvalidRequest(f"limit is a number from 1 to {MAX_LIMIT}")
    return int(value)


def _cursor(position: tuple[str, ...], reader: str) -> str:
    payload = {"after": position, "reader": reader, "path": flask.request.path}
    return keys().seal(_PURPOSE, payload, expires_at=int((now() + _LIFETIME).timestamp()))


def _after(cursor: str | None, reader: str) -> tuple[str, ...]:
    if cursor is None:
        return ()
    found = keys().open(_PURPOSE, cursor)
    if found is None or (found["reader"], found["path"]) != (reader, flask.request.path):
        raise InvalidRequest("cursor is not from a page of this list")
    return tuple(found["after"])
