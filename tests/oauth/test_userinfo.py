"""The userinfo endpoint: OpenID Connect Core §5.3, RFC 6750."""

import pytest
from actors import PUBLIC_URL, Client, unverified

EVERYTHING = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "middle_name": "King",
    "nickname": "Countess",
    "profile": "https://ada.example",
    "picture": "https://ada.example/me.png",
    "website": "https://ada.example/blog",
    "gender": "female",
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+44 20 7946 0000",
    "phone_number_verified": True,
    "address": {"formatted": "12 St James's Square\nLondon", "country": "GB"},
}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def token(world, browser, client):
    world.user("ada", claims=EVERYTHING)
    return client.tokens(browser, user="ada", scope="openid profile email address phone")["access_token"]


def test_it_tells_all_standard_claims_of_the_scopes(world, client, token):
    """§5.1, §5.4: each with its JSON type; `sub` the same as in the ID token."""
    response = client.userinfo(token)

    updated_at = response.json.pop("updated_at")
    assert "application/json" == response.content_type
    assert isinstance(updated_at, int)
    assert {
        "sub": "sub-ada",
        "preferred_username": "ada",
        "email": "ada@example.com",
        "email_verified": True,
        **EVERYTHING,
    } == {name: value for name, value in response.json.items() if name != "updated_at"}


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", set()),
        ("openid email", {"email", "email_verified"}),
        ("phone openid", {"phone_number", "phone_number_verified"}),
        ("openid address", {"address"}),
    ],
)
def test_scopes_say_which_claims(world, browser, client, scope, claims):
    """§5.4; the order of scopes does not matter."""
    world.user("ada", claims=EVERYTHING)
    token = client.tokens(browser, user="ada", scope=scope)["access_token"]

    assert {"sub", *claims} == client.userinfo(token).json.keys()


def test_unknown_values_are_absent_and_never_null(world, browser, client):
    """§5.3.2: a claim without a value is left out."""
    world.user("ada", claims={})
    world.execute("UPDATE user_account SET email = NULL, email_verified_at = NULL")
    browser.authorize(client, user="ada")  # by name

    found = client.userinfo(client.tokens(browser, scope="openid profile email phone")["access_token"]).json

    assert {"sub", "preferred_username", "updated_at"} == found.keys()


def test_by_get_and_by_post_in_header_or_body(client, token):
    """§5.3.1 and RFC 6750 §2: each way gives the same."""
    bearer = {"Authorization": f"Bearer {token}"}
    lower = {"Authorization": f"bearer  {token}"}
    answers = [
        client.http.get("/oauth2/userinfo", headers=bearer, base_url=PUBLIC_URL),
        client.http.get("/oauth2/userinfo", headers=lower, base_url=PUBLIC_URL),
        client.http.post("/oauth2/userinfo", headers=bearer, base_url=PUBLIC_URL),
        client.http.post("/oauth2/userinfo", headers=bearer, data="{}", content_type="text/plain", base_url=PUBLIC_URL),
        client.http.post("/oauth2/userinfo", data={"access_token": token}, base_url=PUBLIC_URL),
    ]

    assert [200] * 5 == [answer.status_code for answer in answers]
    assert 1 == len({answer.text for answer in answers})


def test_without_a_token_the_challenge_has_no_error(client, token):
    """RFC 6750 §3.1; a token in the query or in a GET's body is not read."""
    answers = [
        client.http.get("/oauth2/userinfo", base_url=PUBLIC_URL),
        client.http.post("/oauth2/userinfo", base_url=PUBLIC_URL),
        client.http.get(f"/oauth2/userinfo?access_token={token}", base_url=PUBLIC_URL),
        client.http.post(f"/oauth2/userinfo?access_token={token}", base_url=PUBLIC_URL),
        client.http.post("/oauth2/userinfo", json={"access_token": token}, base_url=PUBLIC_URL),
        client.http.get("/oauth2/userinfo", data=f"access_token={token}", content_type=FORM, base_url=PUBLIC_URL),
        client.http.get("/oauth2/userinfo", headers={"Authorization": f"Basic {token}"}, base_url=PUBLIC_URL),
    ]

    assert {(401, "Bearer")} == {(answer.status_code, answer.headers["WWW-Authenticate"]) for answer in answers}


def test_bad_token_is_invalid_token(world, browser, client, token, forgeries, clock, sign):
    """RFC 6750 §3.1: 401 and the error in the challenge; an ID or refresh token is none, whatever it says."""
    tokens = client.tokens(browser, scope="openid")
    claims = unverified(token)
    confused = {
        "ID token": tokens["id_token"],
        "refresh token": tokens["refresh_token"],
        "ID token as at+jwt": sign(unverified(tokens["id_token"])),
        "another typ": sign(claims, typ="logout+jwt"),
        "another issuer": sign({**claims, "iss": "https://evil.example"}),
        "of an unknown client": sign({**claims, "client_id": "nobody"}),
        "of an unknown grant": sign({**claims, "grant_id": "00000000-0000-7000-8000-000000000000"}),
        "expired": sign({**claims, "exp": int(clock().timestamp())}),
        "sender-constrained": sign({**claims, "cnf": {"jkt": "x" * 43}}),
        **forgeries(token),
    }

    answers = {how: client.userinfo(bad) for how, bad in confused.items()}

    assert dict.fromkeys(answers, 401) == {how: answer.status_code for how, answer in answers.items()}
    assert {'Bearer error="invalid_token", error_description="the access token is not valid here"'} == {
        answer.headers["WWW-Authenticate"] for answer in answers.values()
    }


def test_token_twice_is_invalid_request(client, token):
    """RFC 6750 §2: one way at a time."""
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [
        client.http.post("/oauth2/userinfo", headers=bearer, data={"access_token": token}, base_url=PUBLIC_URL),
        client.http.post("/oauth2/userinfo", data={"access_token": [token, token]}, base_url=PUBLIC_URL),
    ]

    for answer in answers:
        assert (400, "invalid_request") == (answer.status_code, answer.json["error"])
        assert 'Bearer error="invalid_request"' == answer.headers["WWW-Authenticate"]


def test_without_openid_the_scope_is_insufficient(world, browser, client):
    """403, and the challenge names the scope."""
    world.user("ada")
    token = client.tokens(browser, user="ada", scope="email")["access_token"]

    response = client.userinfo(token)

    assert (403, "insufficient_scope") == (response.status_code, response.json["error"])
    assert 'Bearer error="insufficient_scope", scope="openid"' == response.headers["WWW-Authenticate"]


def test_token_for_any_audience_is_taken(world, browser):
    """A token with `openid` for a resource server still tells its client who signed in."""
    client = Client.registered(world, "shop", resources=["https://data.example"])
    world.resource("https://data.example")
    world.user("ada")

    assert "sub-ada" == client.userinfo(client.tokens(browser, user="ada")["access_token"]).json["sub"]


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE user_account SET disabled_at = now()",
        "UPDATE oauth_grant SET revoked_at = now()",
        "UPDATE sso_session SET ended_at = now()",
        "UPDATE client SET disabled_at = now()",
        "DELETE FROM oauth_grant",
    ],
)
def test_what_ended_ends_at_once(world, client, token, end):
    """User, grant, session or client: the token counts no more, before it expires."""
    world.execute(end)
    world.forget_cache()

    assert 401 == client.userinfo(token).status_code


def test_token_expires(client, token, clock):
    """Five minutes, to the second."""
    clock.advance(299)
    before = client.userinfo(token).status_code
    clock.advance(1)

    assert (200, 401) == (before, client.userinfo(token).status_code)
