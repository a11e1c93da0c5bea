"""Pages of other origins: CORS where clients in browsers need it, and nowhere else."""

import pytest
from actors import PUBLIC_URL

OPEN = {
    "/.well-known/openid-configuration": "GET",
    "/.well-known/oauth-authorization-server": "GET",
    "/oauth2/jwks": "GET",
    "/oauth2/token": "POST",
    "/oauth2/userinfo": "GET",
    "/oauth2/revoke": "POST",
}
CLOSED = ("/oauth2/authorize", "/oauth2/introspect", "/oauth2/logout", "/account", "/health/live", "/signin/x")
ORIGIN = {"Origin": "https://spa.example"}


def ask(app, method, path, **headers):
    return app.test_client().open(path, method=method, headers={**ORIGIN, **headers}, base_url=PUBLIC_URL)


@pytest.mark.parametrize("path", OPEN)
def test_preflight_is_answered(app, path):
    """Fetch standard: method, Authorization header and DPoP are allowed, without credentials."""
    asked = {"Access-Control-Request-Method": OPEN[path], "Access-Control-Request-Headers": "authorization"}
    response = ask(app, "OPTIONS", path, **asked)

    assert 204 == response.status_code
    assert "*" == response.headers["Access-Control-Allow-Origin"]
    assert OPEN[path] in response.headers["Access-Control-Allow-Methods"].split(", ")
    assert {"Authorization", "Content-Type", "DPoP"} == set(
        response.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("path", OPEN)
def test_answers_and_errors_may_be_read(app, path):
    """Also 400, 401 and 415, or the page sees only "Failed to fetch"; and the challenge is readable."""
    response = ask(app, OPEN[path], path)

    assert "*" == response.headers["Access-Control-Allow-Origin"]
    assert "WWW-Authenticate" in response.headers["Access-Control-Expose-Headers"]


def test_refused_credentials_may_be_read(app):
    """401 of token and userinfo."""
    token = app.test_client().post("/oauth2/token", data={"grant_type": "refresh_token"}, base_url=PUBLIC_URL)
    userinfo = ask(app, "GET", "/oauth2/userinfo", Authorization="Bearer x")

    assert (401, "*") == (token.status_code, token.headers["Access-Control-Allow-Origin"])
    assert (401, "*") == (userinfo.status_code, userinfo.headers["Access-Control-Allow-Origin"])


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", CLOSED)
def test_pages_and_the_rest_stay_closed(app, path, method):
    """What reads cookies, or is for servers, has no such header."""
    response = ask(app, method, path)

    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
