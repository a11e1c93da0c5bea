"""What tokens and answers say about a subject: small sources that add up, none may contradict another."""

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from idp.clients.models import Client
from idp.grants.standing import Standing

Claims = dict[str, Any]


class TokenKind(enum.Enum):
    """Where claims go."""

    ACCESS = "access"
    ID = "id"
    USERINFO = "userinfo"
    INTROSPECTION = "introspection"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the claims are about, what for, and for whom.

    `standing` is None for a client's own token. `only_id_token` says that no access token comes with the ID token, so
    that userinfo cannot be asked and the ID token has what the scopes ask for (OpenID Connect Core §5.4).
    """

    client: Client
    scopes: tuple[str, ...]
    standing: Standing | None
    only_id_token: bool = False
    acted_for: Client | None = None  # whose own token it was, once another client exchanged it
    actor: Claims | None = None  # who acts for whom the token is about (RFC 8693 §4.1)

    @property
    def itself(self) -> Client:
        """Whom a token without a user is about."""
        return self.acted_for or self.client


ClaimSource = Callable[[Subject], Claims]


def build(subject: Subject, sources: Iterable[ClaimSource], start: Claims) -> Claims:
    """Add every source's claims to `start`; two sources that say different things are a mistake of ours."""
    claims = start
    for source in sources:
        added = source(subject)
        if clash := {name for name in claims.keys() & added.keys() if claims[name] != added[name]}:
            raise RuntimeError(f"{source.__name__} would overwrite {sorted(clash)}")
        claims.update(added)
    return claims


# OpenID Connect Core §5.4: which standard claims a scope asks for.
SCOPE_CLAIMS: dict[str, Sequence[str]] = {
    "profile": (
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}  # fmt: skip

SCOPE_OF = {claim: scope for scope, found in SCOPE_CLAIMS.items() for claim in found}


def scopes_of(asked: dict[str, Any] | None) -> frozenset[str]:
    """The scopes to which the claims of a claims request belong (Core §5.5): a person is asked about those."""
    return frozenset(SCOPE_OF[claim] for found in (asked or {}).values() for claim in found)


def standard(standing: Standing) -> Claims:
    """All standard claims that we know of a person (OpenID Connect Core §5.1); absent ones are left out, never null."""
    person = standing.person
    found = {"preferred_username": person.username, **person.claims, "updated_at": int(person.updated_at.timestamp())}
    if person.email:
        found |= {"email": person.email, "email_verified": person.email_verified}
    return found


def of_scopes(subject: Subject) -> Claims:
    """The standard claims that the scopes ask for (OpenID Connect Core §5.4)."""
    if subject.standing is None:
        return {}
    known = standard(subject.standing)
    wanted = [claim for scope in subject.scopes for claim in SCOPE_CLAIMS.get(scope, ())]
    return {claim: known[claim] for claim in wanted if claim in known}
