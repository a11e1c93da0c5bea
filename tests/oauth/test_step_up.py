"""A stronger or newer sign-in, asked for by a resource: RFC 9470."""

import pytest
from actors import PUBLIC_URL, Client, unverified

API = f"{PUBLIC_URL}/api"


@pytest.fixture
def north(world):
    """Ada's company, which asks for a sign-in of the last hundred seconds."""
    company = world.company("north", max_session=100)
    world.user("ada", [company])
    return company


@pytest.fixture
def portal(world, north):
    return Client.registered(world, "portal")


def me(client, token, **headers):
    return client.http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}", **headers}, base_url=PUBLIC_URL)


def test_sign_in_that_became_too_old_is_challenged(browser, portal, clock):
    """§3: 401 with max_age, at userinfo and at the API."""
    token = portal.tokens(browser, user="ada", resource=API)["access_token"]
    before = portal.userinfo(token), me(portal, token)
    clock.advance(101)
    after = portal.userinfo(token), me(portal, token)

    assert [200, 200] == [answer.status_code for answer in before]
    for answer in after:
        assert (401, "insufficient_user_authentication") == (answer.status_code, answer.json["error"])
        assert (
            'Bearer error="insufficient_user_authentication",'
            ' error_description="the company asks for a stronger or newer sign-in", max_age="100"'
        ) in answer.headers.getlist("WWW-Authenticate")


def test_challenge_leads_to_a_token_that_will_do(browser, portal, clock):
    """§4: the client takes max_age to the authorization endpoint, the user signs in, and the new token counts."""
    old = portal.tokens(browser, user="ada")["access_token"]
    clock.advance(101)

    new = portal.tokens(browser, user="ada", max_age="100")["access_token"]

    assert unverified(old)["auth_time"] + 101 == unverified(new)["auth_time"]
    assert (401, 200) == (portal.userinfo(old).status_code, portal.userinfo(new).status_code)


def test_factor_that_is_asked_for_later_is_challenged(world, browser, portal):
    """§3: acr_values."""
    token = portal.tokens(browser, user="ada")["access_token"]
    world.execute("""UPDATE company SET policy = '{"second_factor": true}'""")

    answer = portal.userinfo(token)

    assert (401, "insufficient_user_authentication") == (answer.status_code, answer.json["error"])
    assert 'acr_values="urn:idp:2fa"' in answer.headers["WWW-Authenticate"]


def test_company_asks_only_for_its_own_tokens(world, browser, portal, clock):
    """A token for another company, for none, or a client's own is not asked."""
    south = world.company("south")
    world.user("bo", [world.company("east", max_session=100), south])
    of_south = portal.tokens(browser, user="bo", company="south")["access_token"]
    clock.advance(101)

    assert 200 == portal.userinfo(of_south).status_code


def test_introspection_says_how_and_when_the_user_signed_in(browser, portal, clock):
    """§6.2: a resource server decides for itself; the token stays active."""
    token = portal.tokens(browser, user="ada")["access_token"]
    signed_in = int(clock().timestamp())
    clock.advance(101)

    answer = portal.introspect(token).json

    assert (True, "urn:idp:1fa", signed_in) == (answer["active"], answer["acr"], answer["auth_time"])
