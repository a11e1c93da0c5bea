"""Sign in with a password.

Unknown name, wrong password, disabled account and throttled account are one answer: same statements, same time.
The failures of strangers never slow down a browser in which the owner signed in before.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from idp import audit, limits, passwords
from idp.accounts import devices
from idp.accounts.acr import ONE_FACTOR
from idp.context import now
from idp.db import db
from idp.errors import InvalidRequest, TemporarilyUnavailable
from idp.limits import Counter, Limit, Taken, Window

_QUARTER = 15 * 60
# Known: the account's owner signed in with this browser before, so only its own failures slow it down.
KNOWN_DEVICE = Limit("login.device", (Window(10, _QUARTER), Window(100, 86_400)), silent=True)
# All other browsers together; NIST SP 800-63B-4 §3.2.2 wants at most 100 failures.
OTHER_DEVICES = Limit("login.account", (Window(10, _QUARTER, slow=30), Window(100, 86_400)), silent=True)
ADDRESS = Limit("login.address", (Window(30, 5 * 60), Window(200, 3600)))
# Many names from one address: one password tried on everybody.
NAMES = Limit("login.names", (Window(20, 10 * 60),))
# One row tells the operator enough, and a flood must not fill the table.
_THROTTLED = Limit("login.throttled", (Window(1, 5 * 60),))


class WrongPassword(Exception):
    """The answer to everything that is not a sign-in."""


class Throttled(Exception):
    """Too many failures from this address; `retry_after` in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


@dataclass(frozen=True)
class Authentication:
    """Who signed in, how (RFC 8176 `amr`, our `acr`) and when."""

    user_id: UUID
    sub: str
    amr: tuple[str, ...]
    acr: str
    auth_time: datetime


@dataclass(frozen=True)
class _Account:
    """What sign-in needs of a person."""

    id: UUID
    sub: str
    password: str | None
    disabled: bool


def authenticate(identifier: str, password: str, *, address: str, device: str | None) -> Authentication:
    """Check a password, and count a failure.

    Ends the open transaction: no connection may be held while a password is hashed.

    Args:
        identifier: user name, or verified e-mail address, as typed.
        password: as typed.
        address: of the browser.
        device: the sealed value of the device cookie (`idp.sso.browser.device()`).

    Raises:
        WrongPassword: anything else than the right password of somebody who may sign in.
        Throttled: this address failed too often; nothing was counted or computed.
        InvalidRequest: such a name or password cannot exist.
        TemporarilyUnavailable: too many sign-ins at once; nothing was counted.
    """
    try:
        secret = passwords.normal(password)
    except passwords.UnusablePassword as refusal:
        raise InvalidRequest(str(refusal)) from None
    if db.session.registry.has():  # else one would be made, only to have nothing to commit
        db.session.commit()
    name = unicodedata.normalize("NFKC", identifier).strip()
    if not name.isprintable():
        raise InvalidRequest("a name has visible characters only")
    account = _find(name)
    own = _own_counter(name, account, device)
    taken = _admit(own, name.casefold(), limits.network(address))
    right, rehashed = _check(secret, account, taken)
    if account is None or not right:
        _refused(account, own, taken, address)
        raise WrongPassword
    known = own.limit is KNOWN_DEVICE
    event = audit.values("login.success", user_id=account.id, address=address, known_device=known)
    taken.succeed(event, forget=own if known else None)
    _keep(account, rehashed)
    return Authentication(account.id, account.sub, ("pwd",), ONE_FACTOR, now())


_BY_NAME = """
    SELECT id, sub, password, disabled_at IS NOT NULL FROM user_account WHERE lower(username) = lower(%(name)s)
"""

# Only a verified address is a name: anybody can claim another one.
_BY_EMAIL = """
    SELECT id, sub, password, disabled_at IS NOT NULL FROM user_account
     WHERE lower(email) = lower(%(name)s) AND email_verified_at IS NOT NULL
"""

# Not if it was changed meanwhile.
_REHASH = f"""
    WITH rehashed AS (
        UPDATE user_account SET password = %(rehashed)s WHERE id = %(user)s AND password = %(password)s RETURNING id
    )
    {audit.EVENT} WHERE EXISTS (SELECT FROM rehashed)
"""  # noqa: S608 - constants


def _find(name: str) -> _Account | None:
    with db.hot() as cursor:
        row = cursor.execute(_BY_EMAIL if "@" in name else _BY_NAME, {"name": name}).fetchone()
    return _Account(*row) if row else None


def named(identifier: str) -> UUID | None:
    """The id of whoever may sign in with this user name or verified e-mail address."""
    account = _find(unicodedata.normalize("NFKC", identifier).strip())
    return account.id if account and not account.disabled else None


def _own_counter(name: str, account: _Account | None, device: str | None) -> Counter:
    """One bucket for an account, whichever of its names was typed, and for a name that nobody has."""
    if account is None:
        return Counter(OTHER_DEVICES, f"name {name.casefold()}")
    known = devices.read(device)
    if known and known.knows(account.id):
        return Counter(KNOWN_DEVICE, f"{account.id} {known.id}")
    return Counter(OTHER_DEVICES, str(account.id))


def _admit(own: Counter, name: str, address: str) -> Taken:
    # The name as typed: two spellings of one account count like two names, or the count would tell who exists.
    taken = limits.take(own, Counter(ADDRESS, address), Counter(NAMES, address, once=name))
    if not taken.refused <= {own.limit}:
        limits.record(_THROTTLED, address, address=address)
        raise Throttled(taken.retry_after)
    return taken


def _check(secret: bytes, account: _Account | None, taken: Taken) -> tuple[bool, str | None]:
    """Whether the password is right, and a stronger hash of it if the stored one is weak."""
    try:
        with passwords.slot("people"):
            return _compare(secret, account, throttled=bool(taken.refused))
    except TemporarilyUnavailable:
        taken.give_back()
        raise


def _compare(secret: bytes, account: _Account | None, *, throttled: bool) -> tuple[bool, str | None]:
    """Compute for every refusal what a wrong password costs."""
    cost = passwords.cost()
    if account is None or account.password is None or throttled:
        passwords.waste(cost.work, cost.ln)
        return False, None
    if passwords.verify(secret, account.password) and not account.disabled:
        weak = passwords.needs_rehash(account.password, cost)
        return True, passwords.make(secret, cost) if weak else None
    # An imported hash may be cheaper than ours; then it must not be told from an unknown name by that.
    passwords.waste(max(0, cost.work - passwords.parse(account.password).cost.work), cost.ln)
    return False, None


def _keep(account: _Account, rehashed: str | None) -> None:
    if rehashed:
        values = {"user": account.id, "password": account.password, "rehashed": rehashed}
        with db.hot() as cursor:
            cursor.execute(_REHASH, values | audit.values("password.rehashed", user_id=account.id))


def _refused(account: _Account | None, own: Counter, taken: Taken, address: str) -> None:
    """Record the failure; never the name that was typed: it may be the password."""
    kind = "login.throttled" if taken.refused else "login.failure"
    disabled = account is not None and account.disabled
    user_id = account.id if account else None
    audit.at_once(kind, user_id=user_id, address=address, disabled=disabled, known_device=own.limit is KNOWN_DEVICE)
