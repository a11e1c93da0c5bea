"""Companies and their members: every change raises the membership's version and writes a security event.

All in the caller's transaction. A declaration (`idp apply`) stands above a company's own rules: it may take away even
the last admin.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select

from idp import audit
from idp.companies import policy
from idp.companies.models import Company, Member, member_version
from idp.context import now
from idp.db import db


@dataclass(frozen=True)
class Membership:
    """A company as one of its active members sees it."""

    company_id: UUID
    slug: str
    name: str
    roles: tuple[str, ...]
    version: int
    policy: dict[str, Any]

    @property
    def walled(self) -> bool:
        """Whether the company must not be named together with others."""
        return policy.walled(self.policy)


_MEMBERSHIPS = """
    SELECT c.id, c.slug, c.name, m.roles, m.version, c.policy
      FROM member m JOIN company c ON c.id = m.company_id
     WHERE m.user_id = %(user)s AND m.suspended_at IS NULL AND c.disabled_at IS NULL
     ORDER BY c.name, c.id
"""


def as_id(name: str) -> UUID | None:
    """The id, in the one spelling that we print; anything else can only be a slug, and no slug looks like an id."""
    try:
        found = UUID(name)
    except ValueError:
        return None
    return found if str(found) == name else None


def named(name: str | None) -> dict[str, UUID | str | None]:
    """A company's name as parameters of a statement, `company` (an id) and `slug`: each has its index."""
    by_id = as_id(name) if name is not None else None
    return {"company": by_id, "slug": name if by_id is None else None}


def find(id_or_slug: str) -> Company | None:
    """The company by its id (in the one spelling that we print) or slug, disabled ones too."""
    by_id = as_id(id_or_slug)
    if by_id is None:
        return db.session.scalar(select(Company).where(Company.slug == id_or_slug))
    return db.session.get(Company, by_id)


def create(slug: str, name: str, *, policy: dict[str, Any] | None = None) -> Company:
    """A new company without members; a slug that is taken is an IntegrityError at the next flush."""
    company = Company(slug=slug, name=name, policy=policy or {})
    db.session.add(company)
    db.session.flush()
    audit.record("company.created", company_id=company.id, slug=slug)
    return company


def memberships(user_id: UUID) -> list[Membership]:
    """Where the user is an active member of a company that is not disabled, by name."""
    with db.hot() as cursor:
        rows = cursor.execute(_MEMBERSHIPS, {"user": user_id}).fetchall()
    return [Membership(row[0], row[1], row[2], tuple(row[3]), row[4], row[5]) for row in rows]


def join(company_id: UUID, user_id: UUID, roles: Collection[str], *, source: str = "local") -> Member:
    """Make the user a member; who is one already is an IntegrityError at the flush in here."""
    joined = Member(company_id=company_id, user_id=user_id, roles=_ordered(roles), source=source)
    db.session.add(joined)
    db.session.flush()
    audit.record("member.joined", company_id=company_id, user_id=user_id, roles=joined.roles)
    return joined


def change(membership: Member, *, roles: Collection[str], suspended: bool) -> None:
    """Set roles and suspension; the version moves only when something changed."""
    was_suspended = membership.suspended_at is not None
    if set(roles) == set(membership.roles) and suspended == was_suspended:
        return
    membership.roles = _ordered(roles)
    if suspended != was_suspended:
        membership.suspended_at = now() if suspended else None
    # An SQL expression: the database takes the next value when the row is written.
    membership.version = cast("int", member_version.next_value())
    db.session.flush()
    audit.record(
        "member.changed",
        company_id=membership.company_id,
        user_id=membership.user_id,
        roles=membership.roles,
        suspended=suspended,
    )


def remove(membership: Member) -> None:
    """End the membership, whoever it is."""
    db.session.delete(membership)
    db.session.flush()
    audit.record("member.left", company_id=membership.company_id, user_id=membership.user_id)


def _ordered(roles: Collection[str]) -> list[str]:
    return sorted(set(roles))
