"""Tokens that are bound to a key: whoever presents one must hold it (RFC 7800 §3.1), as the extensions check."""

import pytest
from actors import PUBLIC_URL, unverified

from idp.errors import InvalidToken

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


@pytest.mark.parametrize("path", RESOURCES)
def test_owner_of_the_member_is_asked(app, bound, ask, path):
    """With the token and the expected value; whether the request is answered is as it says."""
    asked = []

    def held(token, expected):
        asked.append((token, expected))
        if expected != "own":
            raise InvalidToken

    app.extensions["oauth"].confirms["test"] = held
    own, foreign = bound({"test": "own"}), bound({"test": "foreign"})

    assert 401 != ask(path, f"Bearer {own}").status_code
    assert 401 == ask(path, f"Bearer {foreign}").status_code
    assert [(own, "own"), (foreign, "foreign")] == asked


@pytest.mark.parametrize("path", RESOURCES)
def test_every_member_must_be_confirmed(app, bound, ask, path):
    """One that nobody here checks refuses the token, whatever the others say."""
    app.extensions["oauth"].confirms["test"] = lambda _token, _expected: None

    assert 401 == ask(path, f"Bearer {bound({'test': 'x', 'unknown': 'x'})}").status_code
    assert 401 == ask(path, f"Bearer {bound({'unknown': 'x'})}").status_code


@pytest.mark.parametrize("path", RESOURCES)
def test_scheme_is_that_of_the_binding(app, bound, ask, path):
    """RFC 9449 §7.1, §7.2: a token with a DPoP key comes under DPoP, every other one under Bearer."""
    app.extensions["oauth"].confirms |= {"jkt": lambda *_: None, "test": lambda *_: None}
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
