"""The portal: pages for people, on the same domain functions and the same decisions as the API.

    door           sign in, come back, sign out: what needs no session      pages     templates, headers, notices
    guard          before every other page: session, origin, CSRF token     refusals  what went wrong, in words
    listing, dataset, sharing, content, companies: the pages
    relying_party  the IdP, by Authlib                                      session   the cookie's row with the tokens
    access         a token that is good for this request                    people    names for subjects
    sealing        what browser and database keep for us

Nothing here decides about access: a page calls a function of `resource_server.datasets` with the principal of the
person's access token, and shows what comes back.
"""

from collections.abc import Callable

from flask import Blueprint, Flask, redirect, url_for

from resource_server.datasets.portal import companies, content, dataset, door, guard, listing, refusals, sharing, words
from resource_server.datasets.portal.portal import Portal
from resource_server.datasets.service import Service
from resource_server.fetch import Fetch


def register(app: Flask, service: Service, fetch: Fetch, clock: Callable[[], float]) -> None:
    """Add the pages below `/portal`."""
    app.extensions["portal"] = Portal.of(service, fetch, clock)
    words.register(app)
    pages = guard.guarded(Blueprint("portal", __name__, url_prefix="/portal", template_folder="templates"))
    refusals.register(pages)
    for part in (door, listing, dataset, sharing, content, companies):
        pages.register_blueprint(part.blueprint)
    app.register_blueprint(pages)
    app.add_url_rule("/", "home", lambda: redirect(url_for("portal.listing.datasets")))
