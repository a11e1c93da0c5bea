"""Authorizations that their user approves elsewhere while the client polls: what RFC 8628 and CIBA have in common.

One row each, found by the digest of the code that the client holds. Opened in a browser it becomes an authorization
request like any other (sign-in, company, consent), whose answer is kept here for the client that asks for it. The row
is the lock: of all decisions the first counts, of all polls one redeems.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import flask
from psycopg.types.json import Jsonb

from idp import audit, context, limits, outbox
from idp.db import db, uuid7
from idp.errors import TooManyRequests
from idp.grants import grant as grants
from idp.grants.grant import NewGrant
from idp.opaque import digest

SOURCE = "decoupled"  # of the authorization requests that these become
INTERVAL = 5  # seconds between two polls, RFC 8628 §3.2
LIFETIME = 600  # seconds
# That were started within ten minutes and that nobody has answered. Devices by address: anybody may start one in the
# name of a public client. What names its user by user and client: nobody's page is filled by one application.
_MOST_OF_NETWORK, _MOST_OF_USER = 200, 20
_RETRY_AFTER = 60  # seconds

_START = f"""
    WITH started AS (
        INSERT INTO decoupled_authorization
            (hash, kind, client_id, user_id, user_code, parameters, network, state, pause, next_poll_at, slow_down,
             ping, created_at, expires_at)
        SELECT %(hash)s, %(kind)s, %(client)s, %(user)s, %(user_code)s, %(parameters)s, %(network)s, 'pending',
               %(pause)s, %(now)s, false, %(ping)s, %(now)s, %(expires_at)s
         WHERE (SELECT count(*) FROM decoupled_authorization
                 WHERE (network = %(network)s OR user_id = %(user)s AND client_id = %(client)s)
                   AND state = 'pending' AND created_at > %(since)s) < %(most)s
        ON CONFLICT DO NOTHING
        RETURNING hash
    ), told AS ({audit.EVENT} WHERE EXISTS (SELECT FROM started))
    SELECT FROM started
"""  # noqa: S608 - constants

_OF_USER = """
    SELECT d.hash, d.client_id, d.parameters, c.client_name, o.name, d.expires_at
      FROM decoupled_authorization d JOIN client c USING (client_id) LEFT JOIN company o ON o.id = c.company_id
     WHERE d.user_id = %(user)s AND d.state = 'pending' AND d.expires_at > %(now)s AND c.disabled_at IS NULL
     ORDER BY d.created_at DESC
"""

_OF_USER_CODE = """
    SELECT hash, client_id, parameters FROM decoupled_authorization
     WHERE user_code = %(user_code)s AND state = 'pending' AND expires_at > %(now)s
"""

# A second of grace: the network may carry one poll faster than the one before. Each poll that comes too soon makes the
# pause longer, up to a minute (RFC 8628 §3.5).
_POLL = """
    UPDATE decoupled_authorization SET (slow_down, pause, next_poll_at) = (
        SELECT soon, longer, %(now)s + make_interval(secs => longer - 1)
          FROM (SELECT %(now)s < next_poll_at AS soon) this,
               LATERAL (SELECT CASE WHEN soon THEN least(pause + 5, 60) ELSE pause END AS longer) next)
     WHERE hash = %(hash)s AND kind = %(kind)s AND client_id = %(client)s
    RETURNING slow_down, state, grant_id, expires_at > %(now)s
"""

_DECIDE = f"""
    WITH decided AS (
        UPDATE decoupled_authorization SET state = %(state)s, grant_id = %(grant)s
         WHERE hash = %(decoupled)s AND state = 'pending' AND expires_at > %(now)s
        RETURNING kind, client_id, ping
    ), told AS ({audit.EVENT} WHERE EXISTS (SELECT FROM decided)
    ), message AS (
        SELECT kind || '_ping' AS kind, jsonb_build_object('client_id', client_id, 'ping', ping) AS payload
          FROM decided WHERE ping IS NOT NULL
    ), sent AS ({outbox.MESSAGE})
"""  # noqa: S608 - constants

_DENY = f"{_DECIDE} SELECT FROM decided"

# The grant begins in the statement that decides: there is none that nobody holds.
_APPROVE = f"""
    {_DECIDE}, waited AS (
        DELETE FROM authorization_request WHERE hash = %(waiting)s
    ), begun AS (
        {grants.INSERT} WHERE EXISTS (SELECT FROM decided)
        RETURNING *
    ), took_part AS ({grants.TAKE_PART})
    SELECT FROM begun
"""  # noqa: S608 - constants

_REDEEM = "DELETE FROM decoupled_authorization WHERE hash = %(hash)s AND grant_id = %(grant)s"


_MARKS = ("kind", "page", "user_code", "message", "sub")


@dataclass(frozen=True, slots=True)
class Decoupled:
    """That an authorization request is one of these, and by which words its person can tell which."""

    hash: bytes
    kind: str  # "device" or "ciba"
    page: str = ""  # that tells the person what became of it, once there is one
    user_code: str | None = None  # as the device shows it
    message: str | None = None  # that the client shows too (`binding_message`, CIBA §7.1)
    sub: str | None = None  # of the one who may decide; none: whoever has the code

    def marks(self) -> dict[str, list[str]]:
        """How a waiting authorization request keeps it, beside parameters that never have these names."""
        found = {"hash": self.hash.hex(), **{name: getattr(self, name) for name in _MARKS}}
        return {f"decoupled_{name}": [value] for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Pending:
    """One that nobody has decided about."""

    hash: bytes
    client_id: str
    parameters: dict[str, list[str]]
    client_name: str = ""
    client_owner: str | None = None  # the company that registered it
    expires_at: datetime | None = None

    @property
    def id(self) -> str:
        """Which one it is, for forms: nothing that a client could poll with."""
        return self.hash.hex()

    @property
    def message(self) -> str | None:
        """What the client shows too."""
        return next(iter(self.parameters.get("binding_message", ())), None)


@dataclass(frozen=True, slots=True)
class Poll:
    """What a poll found; `grant_id` once it is approved."""

    slow_down: bool
    state: str
    grant_id: UUID | None
    in_time: bool


def marked(parameters: Mapping[str, list[str]]) -> Decoupled:
    """The opposite of `marks()`."""
    found = {name: parameters[f"decoupled_{name}"][0] for name in _MARKS if f"decoupled_{name}" in parameters}
    return Decoupled(bytes.fromhex(parameters["decoupled_hash"][0]), **found)


def start(
    code: str,
    kind: str,
    client_id: str,
    parameters: Mapping[str, list[str]],
    *,
    user_code: str | None = None,
    user_id: UUID | None = None,
    ping: str | None = None,
    lifetime: int = LIFETIME,
) -> None:
    """Keep a new one, for whoever has the user code or for this user.

    Raises:
        TooManyRequests: too many wait (or, once in a thousand years, the user code is taken).
    """
    now = context.now()
    values = {
        "hash": digest(code),
        "kind": kind,
        "client": client_id,
        "user": user_id,
        # A plain digest although a user code has only 34 bits: whoever reads the database can approve with it
        # what the device asked for, as themselves, and nothing else.
        "user_code": digest(user_code) if user_code else None,
        "parameters": Jsonb(dict(parameters)),
        "network": None if user_id else limits.network(flask.request.remote_addr or ""),
        "most": _MOST_OF_USER if user_id else _MOST_OF_NETWORK,
        "ping": ping,
        "pause": INTERVAL,
        "now": now,
        # Also those that are over: a client that gives its users a second each may not begin anew each second.
        "since": now - timedelta(seconds=LIFETIME),
        "expires_at": now + timedelta(seconds=lifetime),
    }
    event = audit.values(f"{kind}.started", user_id=user_id, client_id=client_id)
    with db.hot() as cursor:
        if not cursor.execute(_START, values | event).rowcount:
            raise TooManyRequests(_RETRY_AFTER)


def of_user(user_id: UUID) -> list[Pending]:
    """Those that wait for this user, the newest first."""
    with db.hot() as cursor:
        rows = cursor.execute(_OF_USER, {"user": user_id, "now": context.now()}).fetchall()
    return [Pending(*row) for row in rows]


def of_user_code(user_code: str) -> Pending | None:
    """The one that waits for whoever has this code."""
    with db.hot() as cursor:
        row = cursor.execute(_OF_USER_CODE, {"user_code": digest(user_code), "now": context.now()}).fetchone()
    return Pending(*row) if row else None


def poll(code: str, kind: str, client_id: str) -> Poll | None:
    """Count a poll; None if there is no such code of this client, whom another client's poll does not touch."""
    values = {"hash": digest(code), "kind": kind, "client": client_id, "now": context.now()}
    with db.hot() as cursor:
        row = cursor.execute(_POLL, values).fetchone()
    return Poll(*row) if row else None


def approve(about: Decoupled, new: NewGrant) -> bool:
    """Approve it with a new grant, and tell the client if it wants that; False if it was no longer to be decided.

    The message is sent by whoever is the outbox's sender of `<kind>_ping`.
    """
    who = {"user_id": new.user_id, "client_id": new.client_id, "company_id": new.company_id}
    with db.hot() as cursor:
        return bool(cursor.execute(_APPROVE, new.values() | _decision(about, "approved", new.id, who)).rowcount)


def deny(about: Decoupled, **who: Any) -> bool:  # noqa: ANN401 - of the audit event
    """Deny it; otherwise as `approve`."""
    with db.hot() as cursor:
        return bool(cursor.execute(_DENY, _decision(about, "denied", None, who)).rowcount)


def _decision(about: Decoupled, state: str, grant_id: UUID | None, who: dict[str, Any]) -> dict[str, Any]:
    """The parameters of _DECIDE."""
    values = {"decoupled": about.hash, "state": state, "grant": grant_id, "message": uuid7(), "now": context.now()}
    return values | audit.values(f"{about.kind}.{state}", **who)


def redeem(code: str, grant_id: UUID) -> bool:
    """Whether this is the one request that gets the tokens."""
    with db.hot() as cursor:
        return bool(cursor.execute(_REDEEM, {"hash": digest(code), "grant": grant_id}).rowcount)
