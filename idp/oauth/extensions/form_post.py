"""The answer in a form that posts itself to the client: OAuth 2.0 Form Post Response Mode.

Neither browser history nor a server's log has the parameters then. The page works by its button where scripts are off.
"""

from collections.abc import Mapping
from typing import Any, cast

import flask

from idp.oauth.extension import Extension, ResponseMode
from idp.oauth.request import OAuthRequest


def post(request: OAuthRequest, parameters: Mapping[str, Any]) -> flask.Response:
    """A page with status 200 whose form has the parameters and posts itself to the redirect URI (§2)."""
    ui = flask.current_app.extensions["ui"]
    page = ui.render(
        "form_post", client_name=request.client.client_name, action=request.payload.redirect_uri, fields=parameters
    )
    return cast("flask.Response", page)


extension = Extension(
    name="form_post",
    spec="OAuth 2.0 Form Post Response Mode",
    response_modes={"form_post": ResponseMode(send=post)},
)
