"""Pages of other origins call what machines call (Fetch standard, CORS protocol).

No cookie is read there, so any origin may ask: the token or the credentials of the request are what counts.
"""

import flask

from idp.oauth import server


def opened(response: flask.Response) -> flask.Response:
    """Let the page read the answer; error answers too, or it sees only "Failed to fetch"."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = server.current().shows
    if flask.request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Headers"] = server.current().reads
        response.headers["Access-Control-Max-Age"] = "7200"
    return response
