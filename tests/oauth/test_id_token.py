"""ID tokens: OpenID Connect Core §2, §3.1.3.6, §15.1."""

import base64
import hashlib

from actors import Client, header, unverified


def test_id_token_is_exactly_this(world, browser, client, clock):
    """§2: the claims, and no more: what a scope asks for comes from userinfo (§5.4)."""
    world.user("ada", [world.company("north")])

    tokens = client.tokens(browser, user="ada", scope="openid profile email")

    claims, now = unverified(tokens["id_token"]), int(clock().timestamp())
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert {
        "iss": "https://id.example.com",
        "sub": "sub-ada",
        "aud": "shop",
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "acr": "urn:idp:1fa",
        "amr": ["pwd"],
        "sid": unverified(tokens["access_token"])["sid"],
        "nonce": "n0nce",
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    } == claims


def test_it_is_signed_with_rs256_and_a_published_key(world, app, browser, client):
    """§15.1: RS256 unless the client registered another algorithm; `kid` is in the key set."""
    world.user("ada")
    es256 = Client.registered(world, "modern", client_metadata={"id_token_signed_response_alg": "ES256"})

    default = header(client.tokens(browser, user="ada")["id_token"])
    chosen = header(es256.tokens(browser)["id_token"])

    published = {key["kid"]: key["alg"] for key in client.http.get("/oauth2/jwks").json["keys"]}
    assert {"alg": "RS256", "kid": default["kid"], "typ": "JWT"} == default
    assert ("RS256", "ES256") == (published[default["kid"]], published[chosen["kid"]])
    assert "ES256" == chosen["alg"]


def test_nonce_is_there_only_if_it_was_sent(world, browser, client):
    """§2: unmodified if present, absent otherwise; and never at refresh, which has no request."""
    world.user("ada")

    sent = client.tokens(browser, user="ada", nonce="with spaces & ünïcödé+%20")
    absent = client.tokens(browser, nonce=None)
    empty = client.tokens(browser, nonce="")

    assert "with spaces & ünïcödé+%20" == unverified(sent["id_token"])["nonce"]
    assert "nonce" not in unverified(absent["id_token"])
    assert "nonce" not in unverified(empty["id_token"])
    assert "nonce" not in unverified(client.refresh(sent["refresh_token"]).json["id_token"])


def test_without_openid_there_is_no_id_token(world, browser, client):
    """§3.1.2.1: without the scope it is plain OAuth."""
    world.user("ada")

    assert "id_token" not in client.tokens(browser, user="ada", scope="email")


def test_refreshed_id_token_keeps_the_sign_in(world, browser, client, clock):
    """§12.2: same iss, sub, aud and auth_time; a new iat."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    clock.advance(100)

    again = unverified(client.refresh(tokens["refresh_token"]).json["id_token"])

    first = unverified(tokens["id_token"])
    same = ("iss", "sub", "aud", "auth_time", "sid", "acr", "amr")
    assert {name: first[name] for name in same} == {name: again[name] for name in same}
    assert 100 == again["iat"] - first["iat"]


def test_registered_claims_are_put_into_it_as_far_as_scopes_allow(world, browser):
    """A client's registration may ask for claims in the ID token; it never gets more than its scopes."""
    client = Client.registered(world, "proxy", id_token_claims=["email", "preferred_username", "phone_number"])
    world.user("ada")

    claims = unverified(client.tokens(browser, user="ada", scope="openid email")["id_token"])

    assert "ada@example.com" == claims["email"]
    assert not {"preferred_username", "phone_number", "email_verified"} & claims.keys()


def test_hint_may_be_expired_but_never_forged(world, browser, client, clock, forgeries):
    """§3.1.2.1: an expired ID token is a hint all the same; anything that is no ID token of ours is invalid_request."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada", scope="openid offline_access")
    clock.advance(3601)

    good = browser.authorize(client, prompt="none", id_token_hint=tokens["id_token"])
    bad = {
        how: browser.authorize(client, prompt="none", id_token_hint=forged).get("error")
        for how, forged in forgeries(tokens["id_token"]).items()
        if how != "too long"
    }

    assert "code" in good
    assert dict.fromkeys(bad, "invalid_request") == bad
    for other in (tokens["access_token"], tokens["refresh_token"]):
        assert "invalid_request" == browser.authorize(client, prompt="none", id_token_hint=other)["error"]


def test_access_token_of_an_old_resource_is_no_hint(world, browser):
    """A resource may choose RS256 and typ JWT for its access tokens: they are still no ID tokens."""
    world.resource("https://old.example", access_token_typ="JWT", access_token_alg="RS256")
    client = Client.registered(world, "shop", resources=["https://old.example"])
    world.user("ada")
    token = client.tokens(browser, user="ada")["access_token"]

    assert ("JWT", "RS256") == (header(token)["typ"], header(token)["alg"])
    assert "invalid_request" == browser.authorize(client, prompt="none", id_token_hint=token)["error"]


def test_hint_of_another_issuer_is_refused(world, browser, client, sign):
    """Signed by our key, but for another issuer (a moved instance)."""
    world.user("ada")
    claims = unverified(client.tokens(browser, user="ada")["id_token"])
    moved = sign({**claims, "iss": "https://old.example.com"}, alg="RS256", typ="JWT")

    assert "invalid_request" == browser.authorize(client, prompt="none", id_token_hint=moved)["error"]
