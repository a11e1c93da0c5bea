"""The codes that people type from the screen of a device (RFC 8628 §6.1): made, read however sloppily, guessed rarely.

Eight letters of twenty: no vowels, so that no code is a word, and nothing that looks like a digit. These are 34 bits;
with five wrong ones a browser and twenty an address in ten minutes nobody finds one while it counts (§5.1).
"""

import secrets
import unicodedata

import flask
from flask import url_for

from idp import limits
from idp.errors import TooManyRequests
from idp.limits import Counter, Limit, Window
from idp.oauth import server
from idp.oauth.decoupled import elsewhere, rows
from idp.oauth.decoupled.rows import Decoupled
from idp.sso import browser

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8

_TEN_MINUTES = 600
_BROWSER = Limit("user_code.browser", (Window(5, _TEN_MINUTES),))
_ADDRESS = Limit("user_code.address", (Window(20, _TEN_MINUTES),))
_EVENT = Limit("device.guess_limited", (Window(1, _TEN_MINUTES),))


class WrongCode(Exception):
    """No device waits with this code."""


def make() -> str:
    """A new code, as it is shown."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def read(typed: str) -> str:
    """The code as it is shown, from how it was typed: case, spaces, dashes and other marks mean nothing."""
    letters = "".join(each for each in unicodedata.normalize("NFKC", typed).upper() if each.isalnum())
    return f"{letters[:4]}-{letters[4:]}"


def accepted() -> bool:
    """Whether devices can ask here at all."""
    return GRANT_TYPE in server.current().grant_types


def enter(typed: str) -> flask.Response:
    """The person typed a code: on to sign-in, company and the question whether the device may have what it wants.

    Raises:
        WrongCode: it is wrong, was used, or has run out.
        TooManyRequests: after too many wrong ones of this browser or address.
    """
    user_code, address = read(typed), limits.network(flask.request.remote_addr or "")
    taken = limits.take(Counter(_BROWSER, browser.secret(create=True) or ""), Counter(_ADDRESS, address))
    if taken.refused:
        # One row tells enough, and a flood must not fill the table.
        limits.record(_EVENT, address, address=address)
        raise TooManyRequests(taken.retry_after)
    pending = rows.of_user_code(user_code)
    if pending is None:
        raise WrongCode
    taken.give_back()
    handle = elsewhere.open_here(pending, Decoupled(pending.hash, "device", "device.done", user_code))
    return flask.Response(status=303, headers={"Location": url_for("signin.consent", handle=handle)})
