"""The FAPI 2.0 Security Profile (final), for the clients that are under it and for them alone."""

import pytest
from actors import PUBLIC_URL, Client, answer_of, header, unverified
from dpop_key import Key
from signing_client import SigningClient, key_set, new_key

from idp.oauth.extension import Phase
from idp.settings import Misconfigured, RegistrationSettings

GRANTS = ["authorization_code", "refresh_token", "client_credentials"]
PAR = f"{PUBLIC_URL}/oauth2/par"
CALLBACK = "https://bank.example/callback"
# What a client under the profile registers.
BANK = {
    "client_name": "Bank",
    "redirect_uris": [CALLBACK],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": key_set(new_key()),
    "profile": "fapi2",
}


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada")


@pytest.fixture
def bank(world):
    return fapi_client(world)


@pytest.fixture
def bound(app):
    """Every token request proves a key, in whatever way."""

    def bind(request):
        request.confirmation = {"jkt": "k"}

    app.extensions["oauth"]._token[Phase.BIND].append(bind)


def fapi_client(world, client_id="bank", **fields):
    defaults = {"grant_types": GRANTS, "redirect_uris": [f"https://{client_id}.example/callback"], "profile": "fapi2"}
    return SigningClient.made(world, client_id, **{**defaults, **fields})


def error(response):
    return response.status_code, response.json["error"]


# -- §5.3.2.2: the authorization request


def test_the_request_is_pushed(browser, bank):
    """3: `client_id` and `request_uri` alone work, anything else does not; so too what was only posted."""
    browser.page = browser.http.post("/oauth2/authorize", data=bank.parameters(), base_url=PUBLIC_URL)
    posted = answer_of(browser.follow())

    assert ("invalid_request", PUBLIC_URL) == (posted["error"], posted["iss"])
    assert "invalid_request" == browser.authorize(bank)["error"]
    answer = browser.authorize_pushed(bank, user="ada")
    assert {"code", "state", "iss"} == answer.keys()
    assert PUBLIC_URL == answer["iss"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"redirect_uri": None},
        {"redirect_uri": "http://bank.example/callback"},
        {"redirect_uri": "https://bank.example/other"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"response_type": None},
    ],
)
def test_what_a_pushed_request_must_have(bank, changes):
    """1, 5, 6, 8."""
    assert (400, "invalid_request") == error(bank.push(**changes))


def test_a_challenge_is_needed_even_where_others_need_none(world, another):
    """5: whatever the settings and the client's own entry lift."""
    lax = another(require_pkce=False)
    bank = fapi_client(world, require_pkce=False)
    bank.http = lax.test_client()

    assert (400, "invalid_request") == error(bank.push(code_challenge=None, code_challenge_method=None))


def test_only_the_code_comes_through_the_browser(another, world):
    """1: also where others may have tokens in the front channel."""
    hybrid = another(extensions=("+hybrid", "+implicit"))
    types = ["code", "code id_token"]
    bank, mixed = (
        fapi_client(world),
        fapi_client(world, "mixed", response_types=types, grant_types=[*GRANTS, "implicit"]),
    )
    bank.http = mixed.http = hybrid.test_client()

    assert (400, "unauthorized_client") == error(bank.push(response_type="code id_token"))
    assert (400, "unauthorized_client") == error(mixed.push())


def test_state_and_nonce_of_any_length(browser, bank, bound):
    """14, note 4: a nonce of 64 characters, a state of more than a thousand; neither when there was none."""
    answer = browser.authorize_pushed(bank, user="ada", nonce="n" * 64, state="s" * 2000)
    tokens = bank.redeem(answer["code"]).json

    assert "s" * 2000 == answer["state"]
    assert "n" * 64 == unverified(tokens["id_token"])["nonce"]
    silent = browser.authorize_pushed(bank, state=None, nonce=None)
    assert {"code", "iss"} == silent.keys()
    assert "nonce" not in unverified(bank.redeem(silent["code"]).json["id_token"])


def test_the_users_no_comes_back_with_everything(world, browser):
    """7, and RFC 6749 §3.1.2: the registered query is kept."""
    uri = "https://bank.example/callback?dummy1=lorem&dummy2=ipsum"
    asking = fapi_client(world, consent="ask", redirect_uris=[uri])

    answer = browser.authorize_pushed(asking, user="ada", allow=False)

    assert {"error", "error_description", "state", "iss", "dummy1", "dummy2"} == answer.keys()
    assert ("access_denied", "lorem", "ipsum") == (answer["error"], answer["dummy1"], answer["dummy2"])


# -- §5.3.2.1: the token endpoint


def test_tokens_are_bound_to_a_key(browser, bank):
    """4, 5: without a proof or a certificate there are none, whatever the grant type."""
    code = browser.authorize_pushed(bank, user="ada")["code"]

    assert (400, "invalid_request") == error(bank.redeem(code))
    assert (400, "invalid_request") == error(bank.token(grant_type="client_credentials"))


def test_a_code_works_once_within_a_minute(browser, bank, bound, clock):
    """11 and §5.3.2.2 9; the second use ends what the first gave."""
    first, second = (browser.authorize_pushed(bank, user="ada")["code"] for _ in range(2))
    tokens = bank.redeem(first).json

    assert (400, "invalid_grant") == error(bank.redeem(first))
    assert not bank.introspect(tokens["access_token"]).json["active"]
    clock.advance(60)
    assert (400, "invalid_grant") == error(bank.redeem(second))


@pytest.mark.parametrize("verifier", [None, "w" * 43])
def test_a_code_is_bound_to_its_verifier(browser, bank, bound, verifier):
    code = browser.authorize_pushed(bank, user="ada")["code"]

    assert (400, "invalid_grant") == error(bank.redeem(code, code_verifier=verifier))


def test_a_code_is_bound_to_its_client(world, browser, bank, bound):
    code = browser.authorize_pushed(bank, user="ada")["code"]

    assert (400, "invalid_grant") == error(fapi_client(world, "other").redeem(code))
    assert 200 == bank.redeem(code).status_code


def test_refresh_tokens_do_not_rotate(browser, bank, bound, clock):
    """9: the first one goes on working."""
    code = browser.authorize_pushed(bank, user="ada", scope="openid offline_access")["code"]
    token = bank.redeem(code).json["refresh_token"]

    for _ in range(3):
        clock.advance(31)
        answer = bank.refresh(token)
        assert (200, token) == (answer.status_code, answer.json.get("refresh_token", token))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [PUBLIC_URL]},
        {"aud": [PUBLIC_URL, f"{PUBLIC_URL}/oauth2/token"]},
        {"aud": f"{PUBLIC_URL}/oauth2/par"},
        {"aud": f"{PUBLIC_URL}/oauth2/token"},
        {"aud": None},
        {"sub": None},
        {"alg": "RS256"},
        {"iat": 61},
        {"nbf": 61},
        {"exp": -300},
    ],
)
@pytest.mark.parametrize("path", ["/oauth2/par", "/oauth2/token"])
def test_what_an_assertion_may_not_be(world, clock, changes, path):
    """6, 8, 13 and §5.4.1: the issuer as one string, times a minute ahead at most, no RS256."""
    rsa, ec = new_key("RS256", "rsa"), new_key("ES256", "ec")
    bank = fapi_client(world, key=ec, jwks=key_set(rsa, ec))
    now = int(clock().timestamp())
    made = {name: now + value if isinstance(value, int) else value for name, value in changes.items()}
    if "alg" in made:
        made["key"] = rsa

    assert (401, "invalid_client") == error(bank.prove(bank.assertion(**made), path))


@pytest.mark.parametrize("seconds", [8, 10])
def test_clocks_may_differ_by_some_seconds(world, clock, seconds):
    """13: an assertion of the near future is taken."""
    bank, ahead = fapi_client(world), int(clock().timestamp()) + seconds
    form = bank.parameters()

    assert 201 == bank.prove(bank.assertion(iat=ahead, nbf=ahead), "/oauth2/par", **form).status_code


def test_no_assertion_no_token(bank, bound):
    """6."""
    assert (401, "invalid_client") == error(bank.post("/oauth2/token", {"grant_type": "client_credentials"}, auth=None))


def test_id_tokens_are_signed_as_the_profile_wants(world, browser, bank, bound):
    """§5.4.1 1: ES256 where a client chose nothing, though OpenID Connect says RS256; what it chose otherwise."""
    chosen = fapi_client(world, "chosen", client_metadata={"id_token_signed_response_alg": "PS256"})
    found = []
    for client in (bank, chosen):
        tokens = client.redeem(browser.authorize_pushed(client, user="ada")["code"]).json
        found.append((header(tokens["id_token"])["alg"], header(tokens["access_token"])["alg"]))

    assert [("ES256", "ES256"), ("PS256", "ES256")] == found


# -- the whole way


def test_with_dpop(app, browser, bank):
    """Pushed and redeemed with a key, used with it; another key may refresh, since the client is confidential."""
    key, newer = Key(app), Key(app, "PS256")
    pushed = bank.post("/oauth2/par", bank.parameters(scope="openid offline_access"), headers=key.headers(uri=PAR))
    browser.open_pushed(bank, pushed.json["request_uri"])
    form = {"code": browser.complete(user="ada")["code"], "code_verifier": bank.verifier}
    form |= {"grant_type": "authorization_code", "redirect_uri": bank.redirect_uri}
    tokens = bank.post("/oauth2/token", form, headers=key.headers()).json
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    fresh = bank.post("/oauth2/token", again, headers=newer.headers())

    assert "DPoP" == tokens["token_type"]
    assert 200 == key.get("/oauth2/userinfo", tokens["access_token"]).status_code
    assert 401 == bank.userinfo(tokens["access_token"]).status_code
    assert 200 == newer.get("/oauth2/userinfo", fresh.json["access_token"]).status_code
    assert (400, "invalid_request") == error(bank.post("/oauth2/token", again))


def test_proofs_are_signed_as_the_profile_wants(app, bank):
    """§5.4.1: RS256 is no algorithm for them either."""
    headers = Key(app, "RS256").headers()

    refused = bank.post("/oauth2/token", {"grant_type": "client_credentials"}, headers=headers)
    assert (400, "invalid_dpop_proof") == error(refused)


# -- who is under it


def test_the_settings_put_every_client_under_it(world, another, browser, client):
    """Those that were registered for something else are refused until they register anew."""
    held = another(profile="fapi2")
    signer = SigningClient.made(world, "signer", grant_types=GRANTS, redirect_uris=["https://signer.example/callback"])
    browser.http = client.http = signer.http = held.test_client()
    document = browser.get("/.well-known/openid-configuration").json

    assert document["require_pushed_authorization_requests"] is True
    for name in ("token_endpoint_auth", "request_object", "dpop"):
        assert ["PS256", "ES256", "EdDSA"] == document[f"{name}_signing_alg_values_supported"]
    for name in ("token", "introspection", "revocation"):
        assert ["private_key_jwt"] == document[f"{name}_endpoint_auth_methods_supported"]
    for name in ("id_token", "userinfo", "authorization", "introspection"):
        assert "RS256" not in document[f"{name}_signing_alg_values_supported"]
    assert (400, "unauthorized_client") == error(client.push())
    assert (400, "unauthorized_client") == error(client.redeem("x"))
    assert "unauthorized_client" == browser.authorize(client)["error"]
    assert "invalid_request" == browser.authorize(signer)["error"]
    assert (400, "invalid_request") == error(signer.token(grant_type="client_credentials"))
    assert "code" in browser.authorize_pushed(signer, user="ada")


def test_the_setting_without_its_rules_stops_the_start(another):
    """Half a setting would be no protection."""
    with pytest.raises(Misconfigured, match="profile: fapi2 needs the extension of that name"):
        another(profile="fapi2", extensions=("-fapi2",))


def test_others_are_not_under_it(browser, client):
    """Plain requests, a secret and bearer tokens go on working beside it."""
    assert "access_token" in client.tokens(browser, user="ada")


# -- registration


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"token_endpoint_auth_method": "client_secret_basic"},
            "token_endpoint_auth_method: must be private_key_jwt or",
        ),
        ({"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method: must be private_key_jwt or"),
        ({"token_endpoint_auth_signing_alg": "RS256"}, "token_endpoint_auth_signing_alg: must be PS256 or"),
        ({"id_token_signed_response_alg": "RS256"}, "id_token_signed_response_alg: must be PS256 or ES256 or EdDSA"),
        ({"request_object_signing_alg": "RS256"}, "request_object_signing_alg: must be PS256 or"),
        ({"redirect_uris": ["http://bank.example/callback"]}, "redirect_uris: must be an https: URI"),
        ({"profile": "fapi1"}, "profile: must be fapi2, or absent"),
        ({"grant_types": ["authorization_code", "implicit"]}, "grant_types: must be without implicit"),
        (
            {"grant_types": ["authorization_code", "implicit"], "response_types": ["code", "code id_token"]},
            "response_types: must be code under",
        ),
    ],
)
def test_what_a_client_under_it_may_not_register(another, changes, sentence):
    """One sentence that says what to change."""
    opened = another(registration=RegistrationSettings(open=True), extensions=("+hybrid", "+implicit")).test_client()
    refused = opened.post("/oauth2/register", json=BANK | changes, base_url=PUBLIC_URL)

    assert 400 == refused.status_code
    assert refused.json["error_description"].startswith(sentence)


def test_a_client_registers_for_it(another, world):
    """And reads it back; without the word the same is taken with any algorithm."""
    opened = another(registration=RegistrationSettings(open=True)).test_client()
    under = opened.post("/oauth2/register", json=BANK, base_url=PUBLIC_URL)
    plain = opened.post(
        "/oauth2/register",
        json=BANK | {"profile": None, "id_token_signed_response_alg": "RS256"},
        base_url=PUBLIC_URL,
    )

    assert (201, "fapi2") == (under.status_code, under.json["profile"])
    assert (201, None) == (plain.status_code, plain.json.get("profile"))
    assert {("fapi2",), (None,)} == set(world.execute("SELECT profile FROM client"))


def test_everybody_registers_for_it_where_the_settings_say_so(another):
    """Without the word in the metadata."""
    held = another(registration=RegistrationSettings(open=True), profile="fapi2").test_client()
    wanted = BANK | {"profile": None}
    refused = wanted | {"token_endpoint_auth_method": "client_secret_basic"}

    assert 201 == held.post("/oauth2/register", json=wanted, base_url=PUBLIC_URL).status_code
    assert 400 == held.post("/oauth2/register", json=refused, base_url=PUBLIC_URL).status_code


def test_a_plain_client_pushes_too(world, browser):
    """RFC 9126 is for everybody; only the profile makes it a duty."""
    assert "code" in browser.authorize_pushed(Client.registered(world, "plain"), user="ada")
