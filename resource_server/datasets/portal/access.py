"""An access token that is good for this request, refreshed shortly before it ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from authlib.oauth2 import OAuth2Error

from resource_server import InvalidToken, Principal, Unavailable
from resource_server.datasets.portal.portal import Portal
from resource_server.datasets.portal.relying_party import Company
from resource_server.datasets.portal.session import Session, SignedIn

EARLY = 30  # seconds before its end at which a token is refreshed
# What the token endpoint says when the user must act: a factor, a consent, or a company that is theirs no more.
_USER_MUST_ACT = frozenset({"interaction_required", "invalid_request"})


class Ended(Exception):
    """The session is over: at the IdP, here, or both."""


class NeedsPerson(Exception):
    """The IdP wants to speak with the person before it gives tokens for this company."""

    def __init__(self, company: str) -> None:
        super().__init__(company)
        self.company = company


def granted(portal: Portal, session: Session) -> tuple[Session, Principal]:
    """The session, with newer tokens where they were due, and whom its access token speaks for.

    Raises:
        Ended, NeedsPerson
        Unavailable: a new token is needed, and the IdP cannot be asked.
    """
    left = session.signed_in.access_expires_at - portal.service.clock()
    if left < EARLY:
        try:
            session = renewed(portal, session, session.signed_in.company_id)
        except Unavailable:
            # The token at hand was not refused yet: while it lives, people go on working.
            if left <= 0:
                raise
    try:
        return session, portal.service.tokens.verify(session.signed_in.access_token)
    except InvalidToken as error:
        raise Ended from error


def renewed(portal: Portal, session: Session, company: str | None) -> Session:
    """The session with new tokens, for `company`, which may be another one than before.

    Raises:
        Ended, NeedsPerson, Unavailable
    """
    known = session.signed_in
    with _refusals(company):
        tokens = portal.idp.refresh(known.refresh_token, sub=known.sub, company=company)
    changed = SignedIn.by(tokens, known.name)
    kept = portal.sessions.change(session, changed)
    if kept and kept.signed_in.company_id != changed.company_id and company != known.company_id:
        # A refresh for the old company came between: a switch is what the person wants.
        kept = portal.sessions.change(kept, changed)
    if kept is None:
        raise Ended
    return kept


def companies(portal: Portal, session: Session) -> tuple[Sequence[Company], bool]:
    """The companies to switch to, and whether there are more; raises as `renewed` does."""
    known = session.signed_in
    with _refusals(known.company_id):
        return portal.idp.companies(known.refresh_token, company=known.company_id)


@contextmanager
def _refusals(company: str | None) -> Iterator[None]:
    """What the token endpoint's errors mean for a session."""
    try:
        yield
    except OAuth2Error as error:
        if error.error == "invalid_grant":
            raise Ended from error
        if company is not None and error.error in _USER_MUST_ACT:
            raise NeedsPerson(company) from error
        raise Unavailable(f"the token endpoint answered {error.error}") from error
    except InvalidToken as error:
        raise Ended from error
