"""The browser before anybody signed in: a secret that binds waiting authorization requests and forms to it.

One secret a browser, however many requests wait; their rows hold its digest. A planted link then leads nowhere.
"""

import secrets
from datetime import timedelta

from idp.context import keys, now
from idp.sso import cookie
from idp.sso.cookie import Cookie

_PURPOSE = "interaction"
# The cookie ends with the browser; this ends one that a browser restores for ever.
_LIFETIME = timedelta(days=30)


def secret(create: bool = False) -> str | None:
    """The secret of this browser; `create`: made if there is none."""
    sealed = cookie.read(Cookie.BROWSER)
    if sealed and (found := keys().open(_PURPOSE, sealed)):
        return str(found["secret"])
    return renew() if create else None


def renew() -> str:
    """Give the browser a new secret, as at each sign-in; waiting requests must be bound to it anew by the caller."""
    made = secrets.token_urlsafe(32)
    expires_at = int((now() + _LIFETIME).timestamp())
    cookie.put(Cookie.BROWSER, keys().seal(_PURPOSE, {"secret": made}, expires_at=expires_at))
    return made


def device() -> str | None:
    """The sealed value of the device cookie, for `accounts.login.authenticate`."""
    return cookie.read(Cookie.DEVICE)
