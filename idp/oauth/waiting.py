"""Authorization requests that wait for their user: one row each, found by a handle, bound to one browser.

The page's URL carries the handle (128 random bits), a cookie one secret for the whole browser; both must match, so a
handle that somebody else planted opens nothing. The row keeps only parameters that we know and never changes them.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import flask
from psycopg.types.json import Jsonb

from idp import audit, context, limits
from idp.db import db
from idp.errors import InvalidRequest, TooManyRequests
from idp.opaque import digest

URN = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 §2.2
LIFETIME = timedelta(minutes=10)
PUSHED_LIFETIME = timedelta(seconds=60)  # until the first visit
_MOST_CHARACTERS = 8 * 1024  # as of a URL; otherwise a POST would fill the table, and an answer no header
_MOST_PER_BROWSER = 10
_MOST_PER_NETWORK = 5_000  # an office of thousands in the morning
_MOST_PER_CLIENT = 20_000  # of those that it pushed: a server has one address, whoever its users are

# A browser keeps its newest requests: the cookie stays as it is, and tabs work. Who drops its cookies is counted by
# address, a client that authenticated by its name: so nobody fills the table.
_INSERT = """
    WITH oldest AS (
        DELETE FROM authorization_request WHERE browser = %(browser)s AND hash IN (
            SELECT hash FROM authorization_request WHERE browser = %(browser)s
             ORDER BY created_at DESC OFFSET %(most)s - 1)
    )
    INSERT INTO authorization_request
        (hash, client_id, source, parameters, browser, network, created_at, expires_at)
    SELECT %(hash)s, %(client)s, %(source)s, %(parameters)s, %(browser)s, %(network)s, %(now)s, %(expires_at)s
     WHERE (SELECT count(*) FROM authorization_request WHERE network = %(network)s AND expires_at > %(now)s)
         < %(most_of_network)s
       AND (SELECT count(*) FROM authorization_request
             WHERE client_id = %(pusher)s AND source = 'par' AND network IS NULL AND expires_at > %(now)s)
         < %(most_of_client)s
"""

_COLUMNS = "hash, client_id, source, parameters, browser, company, created_at"

_FIND = f"SELECT {_COLUMNS} FROM authorization_request WHERE hash = %(hash)s AND expires_at > %(now)s"  # noqa: S608

_BIND = """
    UPDATE authorization_request SET browser = %(browser)s, expires_at = %(expires_at)s
     WHERE hash = %(hash)s AND browser IS NULL
"""

_CHOOSE = "UPDATE authorization_request SET company = %(company)s WHERE hash = %(hash)s"

_REBIND = f"""
    WITH rebound AS (UPDATE authorization_request SET browser = %(new)s WHERE browser = %(old)s RETURNING *)
    SELECT {_COLUMNS} FROM rebound WHERE hash = %(hash)s AND expires_at > %(now)s
"""  # noqa: S608

_FORGET = "DELETE FROM authorization_request WHERE hash = %(hash)s"

_DENY = f"""
    WITH answered AS (DELETE FROM authorization_request WHERE hash = %(hash)s RETURNING hash),
         told AS ({audit.EVENT} WHERE EXISTS (SELECT FROM answered))
    SELECT FROM answered
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits, or was pushed and not yet visited."""

    hash: bytes
    client_id: str | None  # none: sign-in for one of the provider's own pages
    source: str
    parameters: dict[str, list[str]]
    browser: bytes | None  # none: the first one that comes with it
    company: str | None
    created_at: datetime


def store(
    parameters: Mapping[str, list[str]],
    *,
    client_id: str | None,
    source: str = "plain",
    browser: str | None = None,
    authenticated: bool = False,
) -> str:
    """Keep a request; its handle. Without a browser it is one that was only posted or pushed: the first visit binds it.

    Args:
        parameters: those that we know, by name.
        client_id: whose request it is; None for a sign-in at our own pages.
        source: "plain", "par" (RFC 9126), "page" or "decoupled".
        browser: the secret of the browser that came with it.
        authenticated: whether the client proved who it is, so that it answers for the number itself.

    Raises:
        InvalidRequest: it is longer than what fits into a URL here.
        TooManyRequests: thousands wait from this address, or of this client.
    """
    if sum(len(value) for values in parameters.values() for value in values) > _MOST_CHARACTERS:
        raise InvalidRequest("the request is too long")
    handle, now = secrets.token_urlsafe(16), context.now()
    values = {
        "hash": digest(handle),
        "client": client_id,
        "source": source,
        "parameters": Jsonb(dict(parameters)),
        "browser": digest(browser) if browser else None,
        "now": now,
        "expires_at": now + (LIFETIME if browser else PUSHED_LIFETIME),
        "most": _MOST_PER_BROWSER,
        "network": None if authenticated else limits.network(flask.request.remote_addr or ""),
        "pusher": client_id if authenticated else None,
        "most_of_network": _MOST_PER_NETWORK,
        "most_of_client": _MOST_PER_CLIENT,
    }
    with db.hot() as cursor:
        if not cursor.execute(_INSERT, values).rowcount:
            raise TooManyRequests(int(PUSHED_LIFETIME.total_seconds()))
    return handle


def belongs(row: Waiting, secret: str | None) -> bool:
    """Whether the request is of the browser with this secret."""
    return secret is not None and row.browser == digest(secret)


def find(handle: str) -> Waiting | None:
    """The request with this handle, while it waits."""
    with db.hot() as cursor:
        row = cursor.execute(_FIND, {"hash": digest(handle), "now": context.now()}).fetchone()
    return Waiting(*row) if row else None


def bind(handle: str, browser: str) -> None:
    """Give the request to the browser that came with it, for the time a person needs."""
    values = {"hash": digest(handle), "browser": digest(browser), "expires_at": context.now() + LIFETIME}
    with db.hot() as cursor:
        cursor.execute(_BIND, values)


def rebind(known: Waiting, browser: str) -> Waiting | None:
    """The browser has a new secret (a sign-in renews it): its other tabs go on, and this request as it is now."""
    values = {"hash": known.hash, "old": known.browser, "new": digest(browser), "now": context.now()}
    with db.hot() as cursor:
        row = cursor.execute(_REBIND, values).fetchone()
    return Waiting(*row) if row else None


def choose(handle: str, company: str) -> None:
    """Remember the company that the user chose for this request."""
    with db.hot() as cursor:
        cursor.execute(_CHOOSE, {"hash": digest(handle), "company": company})


def forget(handle: str) -> None:
    """The request is refused, or led to a page of ours."""
    with db.hot() as cursor:
        cursor.execute(_FORGET, {"hash": digest(handle)})


def deny(handle: str, event: dict[str, Any]) -> bool:
    """The person said no, and it is recorded (`audit.values`); False if the request was answered already."""
    with db.hot() as cursor:
        return bool(cursor.execute(_DENY, {"hash": digest(handle), **event}).rowcount)
