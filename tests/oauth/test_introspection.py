"""Introspection: RFC 7662."""

import pytest
from actors import Client, unverified

DATA = "https://data.example"


@pytest.fixture
def resource_server(world):
    """The client as which a resource server asks."""
    server = Client.registered(world, "data-service", grant_types=["client_credentials"], scopes=["x"])
    world.resource(DATA, "data-service", scopes=["datasets:read"])
    return server


@pytest.fixture
def portal(world):
    return Client.registered(
        world, "portal", resources=[DATA], scopes=["openid", "offline_access", "companies", "datasets:read"]
    )


def test_answer_is_exactly_this(world, browser, portal, resource_server, clock):
    """§2.2: what stands in the token, and what holds now."""
    company = world.company("north")
    world.user("ada", {company: ["data_owner"]})
    token = portal.tokens(browser, user="ada", scope="openid datasets:read")["access_token"]

    claims, now = unverified(token), int(clock().timestamp())
    assert {
        "active": True,
        "iss": "https://id.example.com",
        "sub": "sub-ada",
        "aud": DATA,
        "client_id": "portal",
        "iat": now,
        "exp": now + 300,
        "jti": claims["jti"],
        "scope": "openid datasets:read",
        "auth_time": now,
        "acr": "urn:idp:1fa",
        "amr": ["pwd"],
        "sid": claims["sid"],
        "grant_id": claims["grant_id"],
        "company_id": str(company.id),
        "roles": ["data_owner"],
        "member_ver": claims["member_ver"],
        "token_type": "Bearer",
    } == resource_server.introspect(token).json


def test_refresh_token_of_the_caller(world, browser, client, public_client):
    """§2.1: it concerns only the client that holds it; one that was followed by another is over."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")

    answer = client.introspect(tokens["refresh_token"]).json

    assert (True, "refresh_token", "shop") == (answer["active"], answer["token_type"], answer["client_id"])
    assert unverified(tokens["access_token"])["grant_id"] == answer["grant_id"]
    assert "sub-ada" == answer["sub"]


def test_only_whom_the_token_concerns_learns_something(world, browser, portal, resource_server, client):
    """A resource that names the caller, or the caller's own token; else exactly {"active": false} (promise P14)."""
    world.user("ada")
    tokens = portal.tokens(browser, user="ada", scope="openid datasets:read")
    own = client.tokens(browser)
    other = Client.registered(world, "other", grant_types=["client_credentials"])
    world.resource("https://other.example", "other")
    access, refresh = tokens["access_token"], tokens["refresh_token"]

    assert portal.introspect(access).json["active"]
    assert portal.introspect(refresh).json["active"]
    assert resource_server.introspect(access).json["active"]
    assert {"active": False} == resource_server.introspect(refresh).json
    assert {"active": False} == resource_server.introspect(own["access_token"]).json
    assert {"active": False} == other.introspect(access).json
    assert {"active": False} == other.introspect(refresh).json


def test_one_of_several_audiences_is_enough(world, browser, resource_server):
    """A token for two resource servers concerns both."""
    world.resource("https://two.example")
    client = Client.registered(world, "both", resources=["https://two.example", DATA])
    world.user("ada")

    token = client.tokens(browser, user="ada", resource=["https://two.example", DATA])["access_token"]

    assert ["https://two.example", DATA] == resource_server.introspect(token).json["aud"]


def test_public_client_may_not_ask(world, browser, public_client):
    """§2.1: the endpoint must be protected, and a public client proves nothing."""
    world.user("ada")
    tokens = public_client.tokens(browser, user="ada")

    response = public_client.introspect(tokens["access_token"])

    assert (401, "invalid_client") == (response.status_code, response.json["error"])


def test_everything_else_is_inactive(world, browser, client, forgeries, sign, clock):
    """§2.2: no reason is given; forged, confused, expired and nonsense read the same."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    claims = unverified(tokens["access_token"])
    bad = {
        "ID token": tokens["id_token"],
        "ID token as at+jwt": sign(unverified(tokens["id_token"])),
        "another issuer": sign({**claims, "iss": "https://evil.example"}),
        "expired": sign({**claims, "exp": int(clock().timestamp())}),
        "code": "ac_" + "x" * 43,
        "refresh-like": "rt_x.y.z",
        "cut refresh token": tokens["refresh_token"][:-1],
        "unicode": "ünïcödé",
        "spaces": " " + tokens["access_token"],
        "newline": tokens["access_token"] + "\n",
        **forgeries(tokens["access_token"]),
    }

    answers = {how: client.introspect(token) for how, token in bad.items()}

    assert dict.fromkeys(bad, 200) == {how: answer.status_code for how, answer in answers.items()}
    assert [{"active": False}] * len(bad) == [answer.json for answer in answers.values()]


def test_roles_are_those_of_now(world, browser, client):
    """A changed membership counts at once, in introspection before any new token."""
    company = world.company("north")
    world.user("ada", {company: ["admin"]})
    token = client.tokens(browser, user="ada")["access_token"]

    world.execute("UPDATE member SET roles = '{viewer}', version = version + 1")
    answer = client.introspect(token).json

    assert ["viewer"] == answer["roles"]
    assert unverified(token)["member_ver"] + 1 == answer["member_ver"]


def test_rotated_refresh_token_is_inactive(world, browser, public_client, client):
    """The one that was used is over; its successor lives (asked with a second, confidential registration)."""
    world.user("ada")
    first = public_client.tokens(browser, user="ada")["refresh_token"]
    second = public_client.refresh(first).json["refresh_token"]
    world.execute(
        "UPDATE client SET token_endpoint_auth_method = 'client_secret_basic',"
        " secret_hashes = (SELECT secret_hashes FROM client WHERE client_id = 'shop') WHERE client_id = 'spa'"
    )
    world.forget_cache()
    confidential = Client(world.app, "spa", client.secret)

    assert {"active": False} == confidential.introspect(first).json
    assert confidential.introspect(second).json["active"]


def test_token_is_demanded_and_its_hint_is_not(client):
    """§2.1: `token` is required; an unknown hint changes nothing."""
    missing = client.post("/oauth2/introspect", {})
    hinted = client.post("/oauth2/introspect", {"token": "x", "token_type_hint": "nonsense"})
    twice = client.post("/oauth2/introspect", {"token": ["x", "y"]})

    assert (400, "invalid_request") == (missing.status_code, missing.json["error"])
    assert {"active": False} == hinted.json
    assert (400, "invalid_request") == (twice.status_code, twice.json["error"])


def test_answer_is_json_whatever_is_accepted_and_never_cached(client):
    """Java's default Accept begins with text/html."""
    response = client.post("/oauth2/introspect", {"token": "x"}, headers={"Accept": "text/html, */*;q=0.1"})

    assert "application/json" == response.content_type
    assert "no-store" == response.headers["Cache-Control"]
