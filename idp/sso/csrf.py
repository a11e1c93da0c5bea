"""CSRF tokens: bound to the session or, before sign-in, to the browser; to the person, and to what the form is for.

A page of one person is void once another has signed in, and a token for one form or request is nothing for another.
"""

import logging

from flask import request

from idp import limits
from idp.context import keys, settings
from idp.limits import Limit, Window
from idp.sso import browser, session

log = logging.getLogger(__name__)

_PURPOSE = "csrf"
# A row for each address: whoever tries is told by one, and the log has every attempt.
_REFUSED = Limit("csrf.refused", (Window(1, 5 * 60),))
_OURS = {"same-origin", "none"}  # Sec-Fetch-Site; `none`: the person's own reload of a page that was a POST


def same_origin() -> bool:
    """Whether this request comes from a page of ours, as far as the browser says; `Origin: null` does not."""
    # The origin is the configured one: Host and the scheme that a proxy shows are not believed.
    ours = settings().public_url
    return request.headers.get("Origin", ours) == ours and request.headers.get("Sec-Fetch-Site", "none") in _OURS


def refused(reason: str) -> None:
    """Another site, or a page of ours that is too old, posted a form: tell the operator which (`origin`, `token`)."""
    address, facts = limits.network(request.remote_addr or ""), {"endpoint": request.endpoint, "reason": reason}
    log.warning("csrf.refused", extra=facts)
    limits.record(_REFUSED, address, address=address, **facts)


def token(purpose: str) -> str:
    """The token of a form.

    Args:
        purpose: the form's name and the handle of what it acts on, such as `consent:<handle>`.
    """
    kid, mac = keys().mac(_PURPOSE, _message(browser.secret(create=True), purpose))
    return f"{kid}.{mac.hex()}"


def valid(token: str, purpose: str) -> bool:
    """Whether the token was made for this browser, person and purpose."""
    kid, _, mac = token.rpartition(".")
    try:
        given = bytes.fromhex(mac)
    except ValueError:
        return False
    return keys().check_mac(_PURPOSE, kid, _message(browser.secret(), purpose), given)


def _message(browser_secret: str | None, purpose: str) -> bytes:
    found = session.current()
    secret = session.secret() if found else browser_secret
    user = found.user_id if found else ""
    # No part can hold a NUL, so no two messages read alike.
    return f"{'session' if found else 'browser'}\0{secret}\0{user}\0{purpose}".encode()
