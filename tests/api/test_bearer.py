"""Who may ask at all: access tokens for this API, with the right scope (RFC 6750)."""

import pytest
from actors import PUBLIC_URL

SCOPES = {
    "/me": "openid",
    "/me/companies": "companies",
    "/companies/<company>/members": "members:read",
    "/companies/<company>/members/<path:sub>": "members:read",
}
PROTECTED = [*SCOPES]


def concrete(rule):
    return rule.replace("<company>", "north").replace("<path:sub>", "sub-ada")


def test_every_route_is_listed_here(routes):
    """A new route is added to these tests, or they fail."""
    assert {*PROTECTED, "/openapi.json"} == routes.keys()


@pytest.mark.parametrize("rule", PROTECTED)
def test_a_token_is_needed(askers, place, rule):
    """No credentials: a challenge without an error code (RFC 6750 §3.1)."""
    answer = askers.bearer(None).get(concrete(rule))

    assert 401 == answer.status_code
    assert "Bearer" == answer.headers["WWW-Authenticate"]
    assert "application/problem+json" == answer.content_type
    assert {"type", "title", "status", "detail", "error"} == answer.json.keys()


@pytest.mark.parametrize("rule", PROTECTED)
def test_a_token_for_another_audience_is_none(askers, place, rule):
    """A token for a resource server, or for userinfo alone, does not open the API."""
    for resource in ("https://data.example", None):
        token = askers.token("ada", scope="openid companies members:read", resource=resource)
        answer = askers.bearer(token).get(concrete(rule))
        assert 401 == answer.status_code
        assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
        assert "invalid_token" == answer.json["error"]


def test_a_token_for_several_audiences_opens_it(askers, place):
    ada = askers.person("ada", resource=["https://data.example", f"{PUBLIC_URL}/api"])

    assert 200 == ada.get("/me").status_code


@pytest.mark.parametrize("rule", PROTECTED)
def test_the_scope_is_needed(askers, place, rule):
    """403 names the scope (RFC 6750 §3.1); it comes before any company is looked at."""
    scope = SCOPES[rule]
    others = " ".join(sorted({"openid", "companies", "members:read"} - {scope} | {"profile"}))

    answer = askers.person("ada", scope=others).get(concrete(rule))

    assert 403 == answer.status_code
    assert f'Bearer error="insufficient_scope", scope="{scope}"' == answer.headers["WWW-Authenticate"]
    assert "insufficient_scope" == answer.json["error"]
    if "<company>" in rule:
        nowhere = askers.person("ada", scope=others).get(rule.replace("<company>", "nowhere"))
        assert answer.data == nowhere.data


@pytest.mark.parametrize("rule", PROTECTED)
def test_a_token_ends(askers, place, clock, rule):
    ada = askers.person("ada")

    assert 200 == ada.get(concrete(rule)).status_code
    clock.advance(301)
    assert 401 == ada.get(concrete(rule)).status_code


@pytest.mark.parametrize("rule", PROTECTED)
def test_a_revoked_token_ends_at_once(askers, place, rule):
    token = askers.token("ada", scope="openid companies members:read")
    askers.portal.revoke(token)

    assert 401 == askers.bearer(token).get(concrete(rule)).status_code


@pytest.mark.parametrize("rule", ["/me", "/me/companies"])
def test_a_clients_own_token_has_no_user(app, askers, place, rule):
    """A client has no scope about a user, so none of these pages."""
    robot = askers.machine("robot", company_id=place.north.id)

    assert 403 == robot.get(rule).status_code


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "bearer \u00e9",
        "x" * 9000,
        "Bearer " + "A" * 7000,
    ],
)
def test_anything_else_is_no_token(app, sent):
    """Malformed credentials are refused as credentials, never with a 5xx."""
    answer = app.test_client().get("/api/v1/me", headers={"Authorization": sent}, base_url=PUBLIC_URL)

    assert 401 == answer.status_code
    assert "application/problem+json" == answer.content_type


def test_two_headers_are_no_token(app, askers, place):
    token = askers.token("ada")
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]

    assert 401 == app.test_client().get("/api/v1/me", headers=headers, base_url=PUBLIC_URL).status_code


def test_a_token_in_the_url_is_not_read(app, askers, place):
    """URLs get logged (RFC 6750 §2.3 is not offered)."""
    token = askers.token("ada")

    answer = app.test_client().get(f"/api/v1/me?access_token={token}", base_url=PUBLIC_URL)

    assert 401 == answer.status_code


def test_a_cookie_is_not_read(app, askers, browser, place):
    """The session of the browser opens pages, never the API."""
    browser.authorize(askers.portal, user="ada")

    assert 401 == browser.get("/api/v1/me").status_code


def test_pages_of_any_origin_may_ask(app, askers, place):
    """CORS on answers and refusals, and a preflight for the headers; never with credentials."""
    for caller in (askers.person("ada"), askers.bearer(None)):
        answer = caller.get("/me")
        assert "*" == answer.headers["Access-Control-Allow-Origin"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    preflight = app.test_client().options("/api/v1/me", base_url=PUBLIC_URL)
    assert 200 == preflight.status_code
    assert "Authorization, Content-Type, DPoP" == preflight.headers["Access-Control-Allow-Headers"]
    assert "*" == preflight.headers["Access-Control-Allow-Origin"]
