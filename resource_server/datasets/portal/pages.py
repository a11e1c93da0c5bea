"""Pages as answers: the template's name, the status, the headers, and a notice from the page before."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from resource_server.datasets.portal import cookies
from resource_server.datasets.portal.portal import current_portal

_STATIC: Final = Path(__file__).parent / "static"
_HOUR: Final = 3600  # seconds


def page(name: str, status: int = 200, **context: Any) -> Response:  # noqa: ANN401  (what templates show)
    """A page of somebody who is signed in."""
    portal = current_portal()
    said = cookies.notice(portal)
    html = render_template(f"portal/{name}.html", person=g.portal_person, notice=said, asset=asset, **context)
    answer = make_response(html, status)
    if said:
        cookies.forget_notice(portal, answer)
    return answer


def card(name: str, status: int = 200, **context: Any) -> Response:  # noqa: ANN401
    """A page that needs nobody to be signed in."""
    issuer = urlsplit(current_portal().idp.issuer).netloc
    html = render_template(f"portal/{name}.html", person=g.get("portal_person"), asset=asset, issuer=issuer, **context)
    return make_response(html, status)


def done(endpoint: str, title: str, text: str = "", *, kind: str = "success", **values: Any) -> ResponseReturnValue:  # noqa: ANN401
    """After a change: to the page that shows it, which says what was done."""
    answer = redirect(url_for(endpoint, **values), 303)
    cookies.keep_notice(current_portal(), answer, kind, title, text)
    return answer


def protect(answer: Response) -> Response:
    """No script, nothing from elsewhere, in no frame, kept by nobody."""
    idp = urlsplit(current_portal().idp.issuer)
    # Chromium applies form-action to every redirect after a POST, and signing out leads to the IdP.
    answer.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        f"form-action 'self' {idp.scheme}://{idp.netloc}",
    )
    answer.headers["Referrer-Policy"] = "same-origin"  # under no-referrer browsers send `Origin: null` with forms
    fixed = request.endpoint == "portal.door.static"
    answer.headers["Cache-Control"] = f"public, max-age={24 * _HOUR}" if fixed else "no-store"
    return answer


def asset(name: str) -> str:
    """The address of a static file, which changes with its content."""
    return url_for("portal.door.static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
