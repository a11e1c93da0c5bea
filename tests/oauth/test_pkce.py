"""Proof Key for Code Exchange: RFC 7636, RFC 9700 §2.1.1."""

import pytest
from actors import Client

GOOD = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": GOOD[:-1]},
        {"code_challenge": GOOD + "A"},
        {"code_challenge": GOOD[:-1] + "="},
        {"code_challenge": GOOD[:-1] + "+"},
        {"code_challenge": GOOD[:-1] + "é"},
        {"code_challenge": GOOD + "\n"},
    ],
)
@pytest.mark.parametrize("public", [False, True])
def test_challenge_is_required_of_every_client(world, browser, public, changes):
    """S256 only, of public and confidential clients; the default method would be `plain` (§4.3)."""
    client = Client.registered(world, "shop", public=public)

    assert "invalid_request" == browser.authorize(client, **changes)["error"]


@pytest.mark.parametrize(
    "verifier", [None, "w" * 43, "v" * 44, "v" * 42, "v" * 42 + "\n", "v" * 43 + "\n", "v" * 129, "v" * 42 + "é"]
)
def test_wrong_verifier_is_refused_and_spends_the_code(world, browser, client, verifier):
    """§4.6: invalid_grant; the same code with the right verifier is then refused too."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    wrong = client.redeem(code, code_verifier=verifier)
    right = client.redeem(code)

    assert (400, "invalid_grant") == (wrong.status_code, wrong.json["error"])
    assert (400, "invalid_grant") == (right.status_code, right.json["error"])


def test_longest_verifier_with_every_character_works(world, browser, client):
    """§4.1: 43 to 128 unreserved characters."""
    world.user("ada")
    client.verifier = "aZ09-._~" * 16

    assert client.tokens(browser, user="ada")["access_token"]


def test_client_may_be_registered_without_pkce(world, browser):
    """A confidential client's registration may lift it; a challenge that it sends all the same binds the code."""
    client = Client.registered(world, "legacy", require_pkce=False)
    world.user("ada")
    without = {"code_challenge": None, "code_challenge_method": None}

    plain = browser.authorize(client, user="ada", **without)["code"]
    bound = browser.authorize(client)["code"]

    assert 200 == client.redeem(plain, code_verifier=None).status_code
    assert "invalid_grant" == client.redeem(bound, code_verifier=None).json["error"]


def test_verifier_for_a_code_without_challenge_is_refused(world, browser):
    """RFC 9700 §4.8.2: an attacker may have removed the challenge from the request (PKCE downgrade)."""
    client = Client.registered(world, "legacy", require_pkce=False)
    world.user("ada")
    code = browser.authorize(client, user="ada", code_challenge=None, code_challenge_method=None)["code"]

    assert "invalid_grant" == client.redeem(code).json["error"]


def test_lifting_needs_the_client_to_be_confidential(world, browser):
    """Neither the row nor the instance's setting for certification runs lifts it for a public client."""
    client = Client.registered(world, "spa", public=True)
    world.app.extensions["oauth"].settings = world.app.extensions["idp"].settings.model_copy(
        update={"require_pkce": False}
    )
    confidential = Client.registered(world, "shop")
    without = {"code_challenge": None, "code_challenge_method": None}

    assert "invalid_request" == browser.authorize(client, prompt="none", **without)["error"]
    assert "login_required" == browser.authorize(confidential, prompt="none", **without)["error"]
