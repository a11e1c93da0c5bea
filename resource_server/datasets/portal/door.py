"""Into the portal and out of it: what needs no session.

What a sign-in has to remember between leaving and coming back lies in the browser: a random secret in a cookie, one for
all tabs, and the sealed `state`. Nonce and PKCE verifier follow from both, so neither a stolen `state` nor a code that
somebody else was given is of any use in another browser.
"""

import hashlib
import secrets
from contextlib import suppress
from typing import Final

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from resource_server import InvalidToken, Unavailable
from resource_server.datasets.portal import cookies, forgery, pages
from resource_server.datasets.portal.portal import Portal, current_portal
from resource_server.datasets.portal.session import SignedIn

blueprint = Blueprint("door", __name__, static_folder="static")

PATIENCE: Final = 3600  # seconds for the sign-in at the IdP
EVERYWHERE: Final = "everywhere"  # the `state` of a sign-out that the IdP has done
_LONGEST: Final = 600  # characters of the address that somebody comes back to


class Strange(Exception):
    """This answer of the IdP does not belong to a sign-in that began in this browser lately."""


class SignInFailed(Exception):
    """The IdP did not sign the person in; `code` is its reason, from the specification."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def sign_in(*, back_to: str | None = None, **wishes: str) -> ResponseReturnValue:
    """To the IdP, and from there back to `back_to`, an address of the portal; `wishes` as `company` and `prompt`."""
    portal = current_portal()
    browser = cookies.browser(portal) or secrets.token_urlsafe(32)
    back_to = back_to if back_to and len(back_to) <= _LONGEST else url_for("portal.listing.datasets")
    expires_at = portal.service.clock() + PATIENCE
    state = portal.seal.seal("sign-in", {"browser": _digest(browser), "back_to": back_to}, expires_at=expires_at)
    url = portal.idp.authorization_url(
        state=state,
        nonce=portal.seal.mac("nonce", browser, state),
        verifier=portal.seal.mac("verifier", browser, state),
        **wishes,
    )
    answer = redirect(url, 303)
    cookies.keep_browser(portal, answer, browser)
    return answer


@blueprint.get("/sign-in")
def start() -> ResponseReturnValue:
    """Somebody asks to sign in, perhaps to choose another company."""
    return sign_in(**({"prompt": "select_account"} if request.args.get("choose") == "company" else {}))


@blueprint.get("/callback")
def callback() -> ResponseReturnValue:
    """The answer of the authorization endpoint (RFC 6749 §4.1.2, RFC 9207)."""
    portal = current_portal()
    given = _once("state", "code", "iss", "error")
    browser, state = cookies.browser(portal), given.get("state", "")
    begun = portal.seal.open("sign-in", state)
    if (
        begun is None
        or browser is None
        or begun["browser"] != _digest(browser)
        or given.get("iss") != portal.idp.issuer
    ):
        raise Strange
    if "code" not in given:
        raise SignInFailed(given.get("error", ""))
    signed_in = _redeemed(
        portal,
        given["code"],
        nonce=portal.seal.mac("nonce", browser, state),
        verifier=portal.seal.mac("verifier", browser, state),
    )
    answer = redirect(begun["back_to"], 303)
    # A new secret with every sign-in: one that was planted before is worth nothing.
    cookies.end_session(portal)
    cookies.keep_session(portal, answer, portal.sessions.start(signed_in))
    return answer


@blueprint.get("/signed-out")
def signed_out() -> ResponseReturnValue:
    """The IdP sends people here after it has signed them out."""
    # Only the IdP sends this back, after its own session has ended; whoever writes it themselves tells themselves only.
    return pages.card("signed_out", everywhere=request.args.get("state") == EVERYWHERE)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session here, then at the IdP; when it is away, here alone. It takes no good token to go."""
    portal = current_portal()
    forgery.refuse_foreign(portal)
    session, target = cookies.session(portal), url_for("portal.door.signed_out")
    if session is not None:
        forgery.refuse_forged(portal, session)
        portal.sessions.end(session.secret)
        with suppress(Unavailable):
            target = portal.idp.end_session_url(session.signed_in.id_token, state=EVERYWHERE)
    answer = redirect(target, 303)
    cookies.forget_session(portal, answer)
    return answer


def _redeemed(portal: Portal, code: str, *, nonce: str, verifier: str) -> SignedIn:
    try:
        tokens = portal.idp.redeem(code, nonce=nonce, verifier=verifier)
        # Here and not at the first page: a token that never counts would send the browser round and round.
        portal.service.tokens.verify(tokens.access_token)
    except (OAuth2Error, InvalidToken) as error:
        # The code was used, is too old, or was given to another browser; or the tokens are not for us.
        raise Strange from error
    about = portal.idp.userinfo(tokens)
    names = (about.get(claim) for claim in ("name", "preferred_username", "email"))
    return SignedIn.by(tokens, next((name for name in names if isinstance(name, str) and name), tokens.claims["sub"]))


def _once(*names: str) -> dict[str, str]:
    """The parameters that are there, none of them repeated (RFC 6749 §3.1)."""
    if any(len(request.args.getlist(name)) > 1 for name in names):
        raise Strange
    return {name: request.args[name] for name in names if name in request.args}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
