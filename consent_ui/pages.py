"""From a page's name and its facts to an answer: template, language, and the headers that every page carries."""

import base64
import hashlib
from collections.abc import Sequence

from flask import Flask, Response, render_template
from markupsafe import Markup

from consent_ui import assets, languages, words
from idp.clients import uris

# Pages whose POST ends at a client. Chromium applies form-action to every redirect after a POST, the client's own
# further ones included, so these five cannot have it: "Allow" would silently do nothing.
_END_AT_A_CLIENT = {"signin/login", "signin/company", "signin/consent", "logout", "form_post"}
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"

# The only script. Each page's policy says by which hash it may run (CSP 3 §2.3.1); other pages have none.
POST_AT_ONCE = Markup('document.getElementById("answer").submit()')
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(POST_AT_ONCE.encode()).digest()).decode()


def render(
    page: str, status: int = 200, *, frames: Sequence[str] = (), images: Sequence[str] = (), **context: object
) -> Response:
    """Answer a page.

    Args:
        page: its template without `.html`.
        status: of the answer.
        frames: addresses of other sites that the page loads in frames.
        images: addresses of other sites that the page shows as images.
        context: what the template names in its first comment; it sees the status too.
    """
    response = Response(render_template(f"{page}.html", status=status, frames=frames, **context), status)
    policy = _POLICY if page in _END_AT_A_CLIENT else f"{_POLICY}; form-action 'self'"
    if page == "form_post":
        policy += f"; script-src 'sha256-{_SCRIPT_HASH}'"
    if frames:
        policy += f"; frame-src {_origins(frames)}"
    if images:
        policy = policy.replace("img-src 'self'", f"img-src 'self' {_origins(images)}")
    response.headers["Content-Security-Policy"] = policy
    return protect(response)


def _origins(addresses: Sequence[str]) -> str:
    # Clients' addresses, on this one answer; each was checked to be https: and of plain characters.
    return " ".join(sorted({uris.origin(uri) for uri in addresses}))


def protect(response: Response) -> Response:
    """What pages and the redirects between them have in common.

    `same-origin` and not `no-referrer`: under the latter browsers send `Origin: null` with form posts.
    """
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.update(["Cookie", "Accept-Language"])
    return response


def start(app: Flask) -> None:
    """Give the app's templates their words."""
    app.jinja_env.globals.update(
        asset=assets.address,
        language=languages.current,
        direction=languages.direction,
        languages=languages.menu,
        post_at_once=POST_AT_ONCE,
    )
    app.jinja_env.filters.update(
        ago=words.ago,
        by_resource=words.by_resource,
        host=words.host,
        initials=words.initials,
        isolated=words.isolated,
        minutes=words.minutes,
        names=words.names,
        roles=words.roles,
        scope_icon=words.scope_icon,
        scope_words=words.scope_words,
        tint=words.tint,
        web=words.web,
    )
