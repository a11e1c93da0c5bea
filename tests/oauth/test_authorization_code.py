"""The authorization code grant: RFC 6749 §4.1, OpenID Connect Core §3.1."""

from actors import header, unverified


def test_code_flow_gives_tokens(world, browser, client):
    """Sign in, come back with a code, exchange it: access, ID and refresh token (OpenID Connect Core §3.1.3.3)."""
    world.user("ada")

    answer = browser.authorize(client, user="ada")
    response = client.redeem(answer["code"])

    assert {"code", "state", "iss"} == answer.keys()
    assert "st4te" == answer["state"]
    assert "https://id.example.com" == answer["iss"]
    assert 200 == response.status_code
    assert {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"} == response.json.keys()
    assert "no-store" == response.headers["Cache-Control"]
    assert "at+jwt" == header(response.json["access_token"])["typ"]
    assert "sub-ada" == unverified(response.json["id_token"])["sub"]


def test_code_works_once(world, browser, client):
    """A code that was redeemed is refused, and the tokens it gave are revoked (RFC 6749 §4.1.2)."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    first = client.redeem(code)
    second = client.redeem(code)

    assert 400 == second.status_code
    assert "invalid_grant" == second.json["error"]
    assert {"active": False} == client.introspect(first.json["access_token"]).json
    assert 401 == client.userinfo(first.json["access_token"]).status_code
    assert "invalid_grant" == client.refresh(first.json["refresh_token"]).json["error"]
