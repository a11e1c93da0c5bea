"""A code with tokens beside it: OpenID Connect Core §3.3, Multiple Response Types §5; off by default."""

import base64
import hashlib

import pytest
from actors import PUBLIC_URL, Browser, Client, Forms, answer_of, fragment_of, unverified

TYPES = ["code id_token", "code token", "code id_token token"]
GRANTS = ["authorization_code", "implicit", "refresh_token"]
WITH_ID_TOKEN = [found for found in TYPES if "id_token" in found]
WITH_TOKEN = [found for found in TYPES if found.endswith(" token")]


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"extensions": ("+hybrid",)})


@pytest.fixture
def ada(world):
    return world.user("ada")


@pytest.fixture
def hybrid(world, ada):
    """A confidential client that registered all of it."""
    return Client.registered(world, "hybrid", response_types=TYPES, grant_types=GRANTS)


@pytest.fixture
def signed_in(app, ada, client):
    """Ada's browser, with a session."""
    browser = Browser(app)
    browser.authorize(client, user="ada")
    return browser


def ask(browser, client, response_type, **changes):
    return fragment_of(browser.open(client, response_type=response_type, **changes))


def half_of_sha256(value):
    """Core §3.3.2.11: base64url of the left half of the hash of the ASCII octets."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()


@pytest.mark.parametrize("response_type", TYPES)
def test_answer_has_what_the_type_names(signed_in, hybrid, response_type):
    """§3.3.2.5: all in the fragment; what belongs to an access token only with one."""
    answer = ask(signed_in, hybrid, response_type)
    expected = {"code", "state", "iss"}
    if "id_token" in response_type:
        expected |= {"id_token"}
    if response_type in WITH_TOKEN:
        expected |= {"access_token", "token_type", "expires_in", "scope"}

    assert expected == answer.keys()
    assert ("st4te", PUBLIC_URL) == (answer["state"], answer["iss"])


@pytest.mark.parametrize("response_type", WITH_ID_TOKEN)
def test_hashes_bind_code_and_access_token(signed_in, hybrid, response_type):
    """§3.3.2.11: `c_hash` with a code, `at_hash` with an access token; the token endpoint's has no `c_hash`."""
    answer = ask(signed_in, hybrid, response_type)
    claims = unverified(answer["id_token"])

    assert half_of_sha256(answer["code"]) == claims["c_hash"]
    if "access_token" in answer:
        assert half_of_sha256(answer["access_token"]) == claims["at_hash"]
    else:
        assert "at_hash" not in claims
    later = hybrid.redeem(answer["code"]).json
    assert "c_hash" not in unverified(later["id_token"])
    assert half_of_sha256(later["access_token"]) == unverified(later["id_token"])["at_hash"]


@pytest.mark.parametrize("response_type", WITH_ID_TOKEN)
def test_both_id_tokens_are_about_the_same(signed_in, hybrid, response_type):
    """§3.3.3.6: `iss` and `sub` identical; the same sign-in and nonce too, the same audience."""
    answer = ask(signed_in, hybrid, response_type)
    first, second = unverified(answer["id_token"]), unverified(hybrid.redeem(answer["code"]).json["id_token"])

    for claim in ("iss", "sub", "aud", "nonce", "auth_time", "acr", "sid"):
        assert first[claim] == second[claim]


@pytest.mark.parametrize("response_type", TYPES)
def test_scope_claims_stay_at_userinfo(signed_in, hybrid, response_type):
    """§5.4: an access token comes, now or with the code."""
    answer = ask(signed_in, hybrid, response_type, scope="openid email")
    later = hybrid.redeem(answer["code"]).json

    for token in filter(None, (answer.get("id_token"), later["id_token"])):
        assert "email" not in unverified(token)
    for token in filter(None, (answer.get("access_token"), later["access_token"])):
        assert "ada@example.com" == hybrid.userinfo(token).json["email"]


def test_code_gives_everything_else(signed_in, hybrid):
    """§3.3.3: the token endpoint as in the code flow; a refresh token comes from there alone."""
    answer = ask(signed_in, hybrid, "code id_token token", scope="openid offline_access")
    later = hybrid.redeem(answer["code"]).json

    assert "openid offline_access" == answer["scope"] == later["scope"]
    assert "refresh_token" not in answer
    assert 200 == hybrid.refresh(later["refresh_token"]).status_code


@pytest.mark.parametrize("response_type", WITH_ID_TOKEN)
def test_nonce_is_required_with_an_id_token(signed_in, hybrid, response_type):
    """§3.3.2.11."""
    answer = ask(signed_in, hybrid, response_type, nonce=None)

    assert {"error", "error_description", "state", "iss"} == answer.keys()
    assert "invalid_request" == answer["error"]


def test_nonce_is_optional_without_one(signed_in, hybrid):
    """`code token`: as in the code flow."""
    answer = ask(signed_in, hybrid, "code token", nonce=None)

    assert "nonce" not in unverified(hybrid.redeem(answer["code"]).json["id_token"])


def test_oauth_alone(signed_in, hybrid):
    """`code token` is OAuth's too: without openid there is no ID token anywhere."""
    answer = ask(signed_in, hybrid, "code token", scope="email")

    assert "id_token" not in hybrid.redeem(answer["code"]).json
    assert "invalid_request" == ask(signed_in, hybrid, "code id_token", scope="email")["error"]


@pytest.mark.parametrize("response_type", TYPES)
def test_pkce_binds_the_code(signed_in, hybrid, response_type):
    """RFC 9700 §2.1.1: wherever a code is."""
    without = ask(signed_in, hybrid, response_type, code_challenge=None)
    answer = ask(signed_in, hybrid, response_type)

    assert "invalid_request" == without["error"]
    assert "invalid_grant" == hybrid.redeem(answer["code"], code_verifier="x" * 43).json["error"]


@pytest.mark.parametrize("response_type", WITH_TOKEN)
def test_replayed_code_ends_the_access_token_beside_it(signed_in, hybrid, response_type):
    """RFC 6749 §4.1.2, promise P5: all tokens of the grant."""
    answer = ask(signed_in, hybrid, response_type)
    hybrid.redeem(answer["code"])
    assert 200 == hybrid.userinfo(answer["access_token"]).status_code

    hybrid.redeem(answer["code"])

    assert 401 == hybrid.userinfo(answer["access_token"]).status_code


@pytest.mark.parametrize("response_type", TYPES)
def test_errors_are_in_the_fragment(app, ada, hybrid, response_type):
    """§3.3.2.6."""
    for changes, error in (
        ({"prompt": "none"}, "login_required"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"max_age": "x"}, "invalid_request"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"response_mode": "web_message"}, "invalid_request"),
    ):
        answer = ask(Browser(app), hybrid, response_type, **changes)
        assert {"error", "error_description", "state", "iss"} == answer.keys()
        assert error == answer["error"]


@pytest.mark.parametrize("response_type", TYPES)
def test_form_post(signed_in, hybrid, response_type):
    """Form Post Response Mode §2: all of it in the form, errors too."""
    response = signed_in.open(hybrid, response_type=response_type, response_mode="form_post")
    (form,) = Forms.of(response.text)

    assert (200, hybrid.redirect_uri) == (response.status_code, form["action"])
    assert "access_token" in hybrid.redeem(form["fields"]["code"]).json
    refused = signed_in.open(hybrid, response_type=response_type, response_mode="form_post", max_age="x")
    assert "invalid_request" == Forms.of(refused.text)[0]["fields"]["error"]


@pytest.mark.parametrize("response_type", ["token id_token code", "id_token code", "token code"])
def test_words_have_no_order(signed_in, hybrid, response_type):
    """RFC 6749 §3.1.1."""
    assert "code" in ask(signed_in, hybrid, response_type)


def test_client_registers_it(world, signed_in):
    """The response type, and the grant type `implicit` with it (Registration §2)."""
    for name, response_types, grants in (
        ("a", ["code"], GRANTS),
        ("b", TYPES, ["authorization_code"]),
        ("c", ["code token"], GRANTS),
    ):
        client = Client.registered(world, name, response_types=response_types, grant_types=grants)
        assert "unauthorized_client" == ask(signed_in, client, "code id_token")["error"]


def test_code_alone_needs_its_own_registration(signed_in, hybrid):
    """A type is the whole of its words: these clients did not register `code`, whose errors are in the query."""
    assert "unauthorized_client" == answer_of(signed_in.open(hybrid))["error"]


def test_discovery_tells(client):
    """Its response types and no others: the implicit flow has a switch of its own."""
    document = client.http.get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json

    assert sorted(["code", *TYPES]) == document["response_types_supported"]
    assert "implicit" in document["grant_types_supported"]
    assert "c_hash" in document["claims_supported"]


def test_implicit_stays_off(world, signed_in):
    """Each of the two is switched on by itself."""
    client = Client.registered(world, "spa", response_types=["id_token"], grant_types=["implicit"])

    assert "unsupported_response_type" == ask(signed_in, client, "id_token")["error"]


def test_token_has_the_authorization_details(world, signed_in, hybrid):
    """RFC 9396 §9.1; the authorization response itself has no member for them (§4)."""
    world.resource("https://data.example", authorization_details={"row": {"properties": {"id": {}}}})
    world.execute("UPDATE client SET resources = '{https://data.example}' WHERE client_id = 'hybrid'")
    world.forget_cache()

    answer = ask(signed_in, hybrid, "code token", authorization_details='[{"type": "row", "id": 7}]')

    assert [{"type": "row", "id": 7}] == unverified(answer["access_token"])["authorization_details"]
    assert "authorization_details" not in answer
