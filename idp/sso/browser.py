"""The browser before anybody signed in: a secret that binds waiting authorization requests and forms to it.

One secret a browser, however many requests wait; their rows hold its digest. A planted link then leads nowhere.
"""

import secrets
from datetime import timedelta

from flask import g

from idp.context import keys, now
from idp.sso import cookie
from idp.sso.cookie import Cookie

_PURPOSE = "interaction"
# The cookie ends with the browser; this ends one that a browser restores for ever.
_LIFETIME = timedelta(days=30)


def secret(create: bool = False) -> str | None:
    """The secret of this browser, opened once a request; `create`: made if there is none."""
    if "browser_secret" not in g:
        sealed = cookie.read(Cookie.BROWSER)
        found = keys().open(_PURPOSE, sealed) if sealed else None
        g.browser_secret = str(found["secret"]) if found else None
    known: str | None = g.browser_secret
    return renew() if known is None and create else known


def renew() -> str:
    """Give the browser a new secret, as at each sign-in; waiting requests must be bound to it anew by the caller."""
    made = secrets.token_urlsafe(32)
    expires_at = int((now() + _LIFETIME).timestamp())
    cookie.put(Cookie.BROWSER, keys().seal(_PURPOSE, {"secret": made}, expires_at=expires_at))
    g.browser_secret = made
    return made


def device() -> str | None:
    """The sealed value of the device cookie, for `accounts.login.authenticate`."""
    return cookie.read(Cookie.DEVICE)
