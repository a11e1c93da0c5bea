"""Revocation: RFC 7009."""

import pytest
from actors import Client


def test_refresh_token_takes_its_grant_with_it(world, browser, client):
    """§2.1: the access tokens of the grant end too, everywhere at once."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    other = client.tokens(browser)

    response = client.revoke(tokens["refresh_token"])

    assert (200, b"") == (response.status_code, response.data)
    assert "Content-Type" not in response.headers
    assert 401 == client.userinfo(tokens["access_token"]).status_code
    assert "invalid_grant" == client.refresh(tokens["refresh_token"]).json["error"]
    assert 200 == client.userinfo(other["access_token"]).status_code
    assert "grant.revoked" in world.events()


def test_access_token_ends_alone(world, browser, client):
    """The grant and its other tokens live on."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    second = client.refresh(tokens["refresh_token"]).json["access_token"]

    response = client.revoke(tokens["access_token"], token_type_hint="refresh_token")

    assert 200 == response.status_code
    assert 401 == client.userinfo(tokens["access_token"]).status_code
    assert {"active": False} == client.introspect(tokens["access_token"]).json
    assert 200 == client.userinfo(second).status_code


def test_repeated_and_unknown_tokens_are_200(world, browser, client, forgeries):
    """§2.2: invalid tokens do not cause an error; nothing ends by a forged one."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    bad = [*forgeries(tokens["access_token"]).values(), tokens["id_token"], "rt_x.y.0.z", tokens["refresh_token"] + "x"]

    assert {200} == {client.revoke(token).status_code for token in bad}
    assert 200 == client.userinfo(tokens["access_token"]).status_code
    assert [200, 200] == [client.revoke(tokens["access_token"]).status_code for _ in range(2)]


def test_foreign_tokens_are_untouched(world, browser, client):
    """§2.1: issued to the client that asks, or nothing happens (promise P15)."""
    world.user("ada")
    other = Client.registered(world, "other")
    public = Client.registered(world, "spa", public=True)
    tokens = client.tokens(browser, user="ada")

    for foreign in (other, public):
        for token in (tokens["access_token"], tokens["refresh_token"]):
            assert 200 == foreign.revoke(token).status_code

    assert 200 == client.userinfo(tokens["access_token"]).status_code
    assert 200 == client.refresh(tokens["refresh_token"]).status_code


def test_public_client_revokes_its_own(world, browser, public_client):
    """§2.1: a public client only says who it is."""
    world.user("ada")
    tokens = public_client.tokens(browser, user="ada")

    assert 200 == public_client.revoke(tokens["refresh_token"]).status_code
    assert 401 == public_client.userinfo(tokens["access_token"]).status_code


def test_older_refresh_token_of_the_chain_ends_the_grant_too(world, browser, public_client):
    """Whichever token of the grant is presented, its owner wants the end."""
    world.user("ada")
    first = public_client.tokens(browser, user="ada")["refresh_token"]
    second = public_client.refresh(first).json

    public_client.revoke(first)

    assert "invalid_grant" == public_client.refresh(second["refresh_token"]).json["error"]


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": ["a", "b"]}])
def test_token_is_demanded_once(client, form):
    """§2.1, RFC 6749 §3.2."""
    response = client.post("/oauth2/revoke", form)

    assert (400, "invalid_request") == (response.status_code, response.json["error"])
