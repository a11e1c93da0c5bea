"""The interaction behind a page of `/signin/<handle>`."""

from urllib.parse import urlencode, urlsplit

from flask import Response, abort, g, redirect, request, url_for

from idp.oauth import interaction
from idp.oauth.interaction import Interaction


def waiting(handle: str, prompt: str | None = None) -> Interaction:
    """The interaction, if it waits for this page; its client's languages hold from here on.

    Args:
        handle: from the address.
        prompt: the page that asks; None: any.

    Raises:
        Lost: unknown, expired, or another browser's.
        HTTPException: the interaction waits for another page; Flask answers it with 303 to that page.
    """
    found = interaction.load(handle)
    g.ui_locales = found.ui_locales
    if prompt and found.prompt != prompt:
        abort(redirect(url_for(f"signin.{found.prompt}", handle=handle), 303))
    return found


def keep_language(response: Response) -> Response:
    """Who chose a language in the menu keeps it on the next page of the sign-in; a client's address stays untouched."""
    chosen = request.args.get("ui_locales")
    target = urlsplit(response.location or "")
    if chosen and not target.netloc and target.path.startswith("/signin/"):
        response.location = f"{target.path}?{urlencode({'ui_locales': chosen})}"
    return response
