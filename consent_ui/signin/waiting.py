"""The interaction behind a page of `/signin/<handle>`."""

from flask import abort, g, redirect, url_for

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
