"""Tokens that are bound to a key: whoever presents one must hold it (RFC 7800 §3.1), as the extensions check."""

import flask
import pytest
from actors import PUBLIC_URL, unverified

from idp.errors import InvalidToken
from idp.oauth.extension import Confirmation, Phase

RESOURCES = ("/oauth2/userinfo", "/api/v1/me")


@pytest.fixture
def bound(app, world, client, browser, sign):
    """A token for every resource of the provider, bound as the keyword arguments say."""
    world.user("ada", [world.company("acme")])
    audience = [PUBLIC_URL, f"{PUBLIC_URL}/api"]
    said = unverified(client.tokens(browser, user="ada", scope="openid")["access_token"])

    def token(confirmation):
        return sign({**said, "aud": audience, "scope": "openid profile:read me:read", "cnf": confirmation})

    return token


@pytest.fixture
def ask(app):
    """GET a resource with an Authorization header."""

    def answer(path, authorization):
        return app.test_client().get(path, headers={"Authorization": authorization}, base_url=PUBLIC_URL)

    return answer


def refusal(answer):
    return answer.status_code, answer.json["error"]


@pytest.mark.parametrize("path", RESOURCES)
def test_owner_of_the_member_is_asked(app, bound, ask, path):
    """With the token and the expected value; whether the request is answered is as it says."""
    asked = []

    def held(token, expected):
        asked.append((token, expected))
        if expected != "own":
            raise InvalidToken

    app.extensions["oauth"].confirms["test"] = Confirmation(held)
    own, foreign = bound({"test": "own"}), bound({"test": "foreign"})

    assert 401 != ask(path, f"Bearer {own}").status_code
    assert 401 == ask(path, f"Bearer {foreign}").status_code
    assert [(own, "own"), (foreign, "foreign")] == asked


@pytest.mark.parametrize("path", RESOURCES)
def test_every_member_must_be_confirmed(app, bound, ask, path):
    """One that nobody here checks refuses the token, whatever the others say."""
    app.extensions["oauth"].confirms["test"] = Confirmation(lambda _token, _expected: None)

    assert 401 == ask(path, f"Bearer {bound({'test': 'x', 'unknown': 'x'})}").status_code
    assert 401 == ask(path, f"Bearer {bound({'unknown': 'x'})}").status_code


@pytest.mark.parametrize("path", RESOURCES)
def test_scheme_is_that_of_the_binding(app, bound, ask, path):
    """RFC 9449 §7.1, §7.2: a token with a DPoP key comes under DPoP, every other one under Bearer."""
    app.extensions["oauth"].confirms |= {
        "jkt": Confirmation(lambda *_: None, scheme="DPoP"),
        "test": Confirmation(lambda *_: None),
    }
    by_key, otherwise, by_both = bound({"jkt": "x"}), bound({"test": "x"}), bound({"jkt": "x", "test": "x"})

    assert 401 == ask(path, f"Bearer {by_key}").status_code
    assert 401 == ask(path, f"DPoP {otherwise}").status_code
    assert 401 == ask(path, f"Bearer {by_both}").status_code
    for scheme in ("DPoP", "dPoP"):
        assert 401 != ask(path, f"{scheme} {by_key}").status_code
        assert 401 != ask(path, f"{scheme} {by_both}").status_code


@pytest.mark.parametrize("path", [*RESOURCES, "/oauth2/token", "/nowhere"])
def test_extensions_see_every_answer(app, ask, path):
    """Refusals too: what a client must know to go on stands in headers."""
    app.extensions["oauth"].answered.append(lambda response: response.headers.set("DPoP-Nonce", "n"))

    assert "n" == ask(path, "Bearer x").headers["DPoP-Nonce"]


@pytest.fixture
def keys(app):
    """Tokens are bound to the `X-Key` of the request, where it has one."""

    def bind(request):
        if key := flask.request.headers.get("X-Key"):
            request.confirmation = {**(request.confirmation or {}), "test": key}

    app.extensions["oauth"]._token[Phase.BIND].append(bind)
    app.extensions["oauth"].confirms["test"] = Confirmation(lambda _token, _expected: None)


def with_key(client, key, **form):
    return client.post("/oauth2/token", form, headers={"X-Key": key} if key else {})


def first_tokens(client, browser, key):
    code = browser.authorize(client, user="ada", scope="openid")["code"]
    form = {"code": code, "redirect_uri": client.redirect_uri, "code_verifier": client.verifier}
    return with_key(client, key, grant_type="authorization_code", **form).json


def refreshed(client, token, key):
    return with_key(client, key, grant_type="refresh_token", refresh_token=token)


@pytest.mark.usefixtures("keys")
def test_refresh_token_of_a_public_client_is_bound_too(world, browser, public_client):
    """RFC 9449 §5, RFC 8705 §4: another key does not get further, none neither; a failed attempt ends nothing."""
    world.user("ada")
    token = first_tokens(public_client, browser, "own")["refresh_token"]

    for key in ("foreign", None):
        refused = refreshed(public_client, token, key)
        assert (400, "invalid_grant") == (refused.status_code, refused.json["error"])
    answer = refreshed(public_client, token, "own")

    assert {"test": "own"} == unverified(answer.json["access_token"])["cnf"]


@pytest.mark.usefixtures("keys")
def test_bound_refresh_token_does_not_rotate(world, browser, public_client):
    """RFC 9700 §4.14.2: either of the two; a copy is worth nothing without the key."""
    world.user("ada")
    token = first_tokens(public_client, browser, "own")["refresh_token"]

    assert [token] * 3 == [refreshed(public_client, token, "own").json["refresh_token"] for _ in range(3)]


@pytest.mark.usefixtures("keys")
def test_refresh_with_a_proof_binds_the_successor(world, browser, public_client):
    """RFC 9449 §5: whenever a public client gets a refresh token with a proof."""
    world.user("ada")
    token = first_tokens(public_client, browser, None)["refresh_token"]

    second = refreshed(public_client, token, "own").json["refresh_token"]

    assert {400} == {refreshed(public_client, second, key).status_code for key in (None, "other")}
    assert second == refreshed(public_client, second, "own").json["refresh_token"]


@pytest.mark.usefixtures("keys")
def test_a_used_token_is_bound_to_nobody_again(world, browser, public_client):
    """Its successor may be bound to another key already: two of them for different keys would be two chains."""
    world.user("ada")
    token = first_tokens(public_client, browser, None)["refresh_token"]
    second = refreshed(public_client, token, "own").json["refresh_token"]

    assert (400, "invalid_grant") == refusal(refreshed(public_client, token, "other"))
    assert 200 == refreshed(public_client, second, "own").status_code


@pytest.mark.usefixtures("keys")
def test_a_chain_beside_the_bound_one_is_found_out(world, browser, public_client, clock):
    """A thief who repeats without a proof moves on alone; the owner's next refresh ends the grant."""
    world.user("ada")
    token = first_tokens(public_client, browser, None)["refresh_token"]
    bound = refreshed(public_client, token, "own").json["refresh_token"]
    stolen = refreshed(public_client, token, None).json["refresh_token"]
    third = refreshed(public_client, stolen, None).json["refresh_token"]
    clock.advance(seconds=31)

    assert 400 == refreshed(public_client, bound, "own").status_code
    assert 400 == refreshed(public_client, third, None).status_code


@pytest.mark.usefixtures("keys")
def test_confidential_client_may_change_its_key(world, browser, client):
    """It proves itself at each refresh (RFC 8705 §7.1, RFC 9449 §5)."""
    world.user("ada")
    token = first_tokens(client, browser, "old")["refresh_token"]

    answer = refreshed(client, token, "new").json

    assert {"test": "new"} == unverified(answer["access_token"])["cnf"]


@pytest.mark.usefixtures("keys")
def test_binding_cannot_be_taken_off(world, browser, public_client):
    """The MAC covers it: neither without it nor with another one does the token count."""
    world.user("ada")
    token = first_tokens(public_client, browser, "own")["refresh_token"]
    head, grant, generation, bound, mac = token.split(".")
    other = "A" * len(bound)

    for forged in ([head, grant, generation, mac], [head, grant, generation, other, mac]):
        for key in ("own", None):
            assert "invalid_grant" == refreshed(public_client, ".".join(forged), key).json["error"]
