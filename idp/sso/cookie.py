"""The cookies of the sign-in: `__Host-idp` (session), `__Host-idp-tx` (browser), `__Host-idp-dev` (known device).

Their values are sealed; whatever does not open counts as absent. In development (http: on loopback) they have neither
`Secure` nor the prefix that demands it. What a request sets is read back within it, and sent only if it succeeds.
"""

from enum import Enum
from typing import cast

from flask import Response, after_this_request, g, request

from idp.context import settings


class Cookie(Enum):
    """Each cookie by its name without prefix."""

    SESSION = "idp"
    BROWSER = "idp-tx"
    DEVICE = "idp-dev"

    @property
    def wire_name(self) -> str:
        """The name that the browser knows."""
        return self.value if settings().development else f"__Host-{self.value}"


def read(cookie: Cookie) -> str | None:
    """The value, as this request left it."""
    changed = _changed()
    return changed[cookie] if cookie in changed else request.cookies.get(cookie.wire_name)


def put(cookie: Cookie, value: str | None, *, max_age: int | None = None) -> None:
    """Set the cookie with the answer, until the browser closes or for `max_age` seconds; None deletes it."""
    _changed()[cookie] = value

    @after_this_request
    def send(response: Response) -> Response:
        # A transaction that was rolled back never made what the cookie would point to.
        if response.status_code < 500 and _changed().get(cookie) == value:
            _send(response, cookie, value, max_age)
        return response


def _send(response: Response, cookie: Cookie, value: str | None, max_age: int | None) -> None:
    response.set_cookie(
        cookie.wire_name,
        value or "",
        max_age=0 if value is None else max_age,
        secure=not settings().development,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def _changed() -> dict[Cookie, str | None]:
    if "cookies" not in g:
        g.cookies = {}
    return cast("dict[Cookie, str | None]", g.cookies)
