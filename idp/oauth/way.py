"""Where the answer to an authorization request goes: back through this browser, or to a client that polls.

`redirection` and `decoupled.elsewhere` are the two; nothing else asks which of them a request takes.
"""

from typing import Protocol

import flask

from idp.errors import OAuthError
from idp.grants.grant import NewGrant
from idp.oauth import redirection
from idp.oauth.decoupled import elsewhere
from idp.oauth.request import OAuthRequest


class Way(Protocol):
    """What there is to do on each of them."""

    def check(self, request: OAuthRequest) -> None:
        """The client may be answered so, or raise."""

    def complete(self, request: OAuthRequest, new: NewGrant) -> flask.Response:
        """The user allowed it: begin the grant, and answer."""

    def deny(self, request: OAuthRequest) -> flask.Response:
        """The user said no."""

    def refuse(self, request: OAuthRequest, error: OAuthError) -> flask.Response:
        """The request cannot be granted."""


def of(request: OAuthRequest) -> Way:
    """The way of this request."""
    return elsewhere if request.learnt.decoupled else redirection
