"""People's accounts: made, given a password, switched off and on. Every act is in the caller's transaction."""

import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from idp import audit, passwords
from idp.accounts import password_rules, subjects
from idp.accounts.models import User
from idp.context import now, settings
from idp.db import db

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")
_SUB = re.compile(r"[\x20-\x7e]{1,255}")  # OpenID Connect Core §2: at most 255 ASCII characters

_NAMES = "SELECT username, email FROM user_account WHERE id = %(user)s"
_OF_SUB = "SELECT id FROM user_account WHERE sub = %(sub)s AND disabled_at IS NULL"


class InvalidAccount(ValueError):
    """A user name, address or subject that cannot be; the message says what can."""


def find(username: str) -> User | None:
    """The person with this user name, in whatever case it is written."""
    name = unicodedata.normalize("NFKC", username)
    return db.session.scalar(select(User).where(func.lower(User.username) == func.lower(name)))


def of_sub(sub: str) -> UUID | None:
    """The id of the person with this `sub`, if they may sign in."""
    with db.hot() as cursor:
        row = cursor.execute(_OF_SUB, {"sub": sub}).fetchone()
    return row[0] if row else None


def create(
    username: str,
    *,
    email: str | None = None,
    email_verified: bool = False,
    claims: dict[str, Any] | None = None,
    password_hash: str | None = None,
    sub: str | None = None,
    operator: bool = False,
) -> User:
    """Make an account.

    Args:
        username: what the person types, without `@`; never changes.
        email: an address; only a verified one signs in.
        email_verified: whether it was proved to be theirs.
        claims: standard claims of OpenID Connect Core §5.1, but for those that have columns.
        password_hash: of `hashed()`, or from another system; none: no sign-in by password.
        sub: the subject of a person who was known elsewhere; otherwise a new one.
        operator: whether they run this provider.

    Raises:
        InvalidAccount: a value that cannot be.
        UnknownHash: a password hash that we do not read.
    """
    if password_hash is not None:
        passwords.parse(password_hash)
    user = User(
        sub=_valid_sub(sub) if sub is not None else subjects.new(),
        username=valid_username(username),
        email=valid_email(email) if email is not None else None,
        email_verified_at=now() if email is not None and email_verified else None,
        claims=claims or {},
        password=password_hash,
        operator=operator,
    )
    db.session.add(user)
    db.session.flush()
    audit.record("user.created", user_id=user.id)
    return user


def hashed(password: str) -> str:
    """The hash of a password, computed in a slot; hold no database connection meanwhile.

    Raises:
        UnusablePassword: no password at all.
        TemporarilyUnavailable: too many at once.
    """
    secret = passwords.normal(password)
    with passwords.slot("people"):
        return passwords.make(secret, passwords.cost())


def hashed_by_the_rules(user_id: UUID, password: str) -> str:
    """The hash of this person's new password, if it keeps the rules; otherwise as `hashed`.

    Raises:
        WeakPassword: with the reason.
    """
    with db.hot() as cursor:
        username, email = cursor.execute(_NAMES, {"user": user_id}).fetchone() or ("", None)
    password_rules.check(password, settings(), username=username, email=email)
    return hashed(password)


def set_password(user_id: UUID, password_hash: str) -> None:
    """Give a person a new password, of `hashed_by_the_rules()`."""
    user = db.session.get_one(User, user_id)
    user.password = password_hash
    user.updated_at = now()
    audit.record("password.changed", user_id=user.id)


def disable(user: User) -> None:
    """Refuse this person everywhere from now on; `enable` restores all but the sessions."""
    _switch(user, now(), "user.disabled")


def enable(user: User) -> None:
    """Undo `disable`."""
    _switch(user, None, "user.enabled")


def _switch(user: User, disabled_at: datetime | None, kind: str) -> None:
    if (user.disabled_at is None) != (disabled_at is None):
        user.disabled_at = disabled_at
        user.updated_at = now()
        audit.record(kind, user_id=user.id)


def valid_username(name: str) -> str:
    """The user name as it is kept (NFKC).

    Raises:
        InvalidAccount: empty, longer than 64, with `@`, spaces around it, or characters that nobody can see.
    """
    kept = unicodedata.normalize("NFKC", name)
    if not 1 <= len(kept) <= 64 or "@" in kept or kept != kept.strip() or not kept.isprintable():
        raise InvalidAccount("a user name has 1 to 64 visible characters, no @, and no space around it")
    return kept


def valid_email(address: str) -> str:
    """The address as it is kept.

    Raises:
        InvalidAccount: not of the form name@domain.
    """
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        raise InvalidAccount("an e-mail address has the form name@domain and at most 254 characters")
    return address


def _valid_sub(sub: str) -> str:
    if not _SUB.fullmatch(sub):
        raise InvalidAccount("a subject has 1 to 255 printable ASCII characters")
    return sub
