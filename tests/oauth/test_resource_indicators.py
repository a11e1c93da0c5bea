"""Which resource server a token is for: RFC 8707."""

import pytest
from actors import Client, header, unverified

ONE, TWO, API = "https://one.example", "https://two.example/api?v=2", "https://id.example.com/api"


@pytest.fixture
def shop(world):
    """A client of two resource servers, which are asked for in their own ways."""
    world.resource(ONE)
    world.resource(TWO, access_token_typ="JWT", access_token_alg="RS256")
    world.user("ada")
    return Client.registered(world, "shop", resources=[ONE, TWO])


def audience(tokens):
    return unverified(tokens["access_token"])["aud"]


def test_default_is_the_first_resource_or_the_provider(world, browser, shop):
    """Without `resource` the client's first one, without any the public URL."""
    none = Client.registered(world, "none")

    assert ONE == audience(shop.tokens(browser, user="ada"))
    assert "https://id.example.com" == audience(none.tokens(browser))


def test_resource_decides_audience_and_the_look_of_the_token(browser, shop):
    """§2: one or several; `typ` and algorithm are those of the (first) resource server."""
    both = shop.tokens(browser, user="ada", resource=[ONE, TWO])
    two = shop.tokens(browser, resource=TWO)
    api = shop.tokens(browser, resource=API)
    twice = shop.tokens(browser, resource=[TWO, TWO])

    assert [ONE, TWO] == audience(both)
    assert TWO == audience(two) == audience(twice)
    assert API == audience(api)
    assert ("at+jwt", "ES256") == (header(both["access_token"])["typ"], header(both["access_token"])["alg"])
    assert ("JWT", "RS256") == (header(two["access_token"])["typ"], header(two["access_token"])["alg"])
    assert 200 == shop.userinfo(two["access_token"]).status_code


@pytest.mark.parametrize(
    "resource",
    [
        "https://three.example",
        "https://one.example/",
        "https://ONE.example",
        "one.example",
        "/api",
        "https://one.example#",
        "https://one.example#a",
        "http://[",
        "https://id.example.com",
        "x" * 3000,
        [ONE, "https://three.example"],
    ],
)
def test_unknown_or_malformed_resource_is_invalid_target(browser, shop, resource):
    """§2: at the authorization endpoint by redirect, at the token endpoint as 400."""
    refused = browser.authorize(shop, resource=resource)

    assert "invalid_target" == refused["error"]


def test_token_request_narrows_and_never_widens(browser, shop):
    """§2.2: a subset of the grant; absent means all of it; the grant keeps it for later."""
    code = browser.authorize(shop, user="ada", resource=[ONE, TWO])["code"]
    first = shop.redeem(code, resource=TWO).json
    later = shop.refresh(first["refresh_token"]).json
    one = shop.refresh(first["refresh_token"], resource=ONE).json
    wide = shop.refresh(first["refresh_token"], resource=[ONE, API])

    assert TWO == audience(first)
    assert [ONE, TWO] == audience(later)
    assert ONE == audience(one)
    assert (400, "invalid_target") == (wide.status_code, wide.json["error"])


def test_refused_resource_costs_a_public_client_no_refresh_token(world, browser, shop):
    """What refuses comes before the rotation."""
    public = Client.registered(world, "spa", public=True, resources=[ONE])
    token = public.tokens(browser, user="ada")["refresh_token"]

    refused = public.refresh(token, resource=TWO)

    assert (400, "invalid_target") == (refused.status_code, refused.json["error"])
    assert 200 == public.refresh(token).status_code


def test_client_credentials_are_limited_by_the_registration(world, shop):
    """Nothing was granted before: what the client registered is the limit."""
    robot = Client.registered(world, "robot", grant_types=["client_credentials"], resources=[ONE, TWO])

    one = robot.token(grant_type="client_credentials").json
    both = robot.token(grant_type="client_credentials", resource=[TWO, ONE]).json
    foreign = robot.token(grant_type="client_credentials", resource="https://three.example")

    assert ONE == audience(one)
    assert [TWO, ONE] == audience(both)
    assert (400, "invalid_target") == (foreign.status_code, foreign.json["error"])
