"""Authorization responses as signed JWTs: JWT Secured Authorization Response Mode."""

import pytest
from actors import PUBLIC_URL, Client, Forms, answer_of, fragment_of, header, unverified
from joserfc import jwe, jws
from joserfc.jwk import KeySet, RSAKey
from signing_client import SigningClient, key_set, new_key

from idp.settings import RegistrationSettings


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada")


def said(app, answer):
    """What the one parameter of an answer says, once its signature is right."""
    assert {"response"} == answer.keys()
    published = KeySet.import_key_set(app.extensions["idp"].keys.public())
    jws.deserialize_compact(answer["response"], published, algorithms=["RS256", "ES256", "PS256"])
    return unverified(answer["response"])


def posted(response):
    (form,) = Forms.of(response.text)
    return form["fields"]


@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_the_code_comes_in_a_jwt(app, browser, client, clock, mode):
    """§2.1, §2.3: issuer, audience and end, and what a plain answer has; nothing stands beside it."""
    found = said(app, browser.authorize(client, user="ada", response_mode=mode))
    code = found.pop("code")

    assert {
        "iss": PUBLIC_URL,
        "aud": "shop",
        "exp": int(clock().timestamp()) + 300,
        "state": "st4te",
    } == found
    assert 200 == client.redeem(code).status_code


def test_in_the_fragment_and_in_a_form(app, browser, client):
    """§2.3.2, §2.3.3."""
    browser.authorize(client, user="ada")

    fragment = fragment_of(browser.open(client, response_mode="fragment.jwt"))
    form = posted(browser.open(client, response_mode="form_post.jwt"))

    assert "code" in said(app, fragment)
    assert "code" in said(app, form)


@pytest.mark.parametrize("changes", [{"prompt": "none"}, {"code_challenge": None}, {"response_type": "none"}])
@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"])
def test_errors_come_in_the_same_way(app, browser, client, changes, mode):
    """§2.1: with `iss`, `aud` and `exp` as well."""
    response = browser.open(client, response_mode=mode, **changes)
    answers = {"fragment.jwt": fragment_of, "form_post.jwt": posted}
    found = said(app, answers.get(mode, answer_of)(response))

    assert {"iss", "aud", "exp", "state", "error", "error_description"} == found.keys()
    assert (PUBLIC_URL, "shop", "st4te") == (found["iss"], found["aud"], found["state"])


def test_the_users_no_and_a_pushed_request(app, world, browser):
    """The mode lasts through pages, and may be pushed."""
    asking = Client.registered(world, "asking", consent="ask")

    refused = browser.authorize_pushed(asking, user="ada", allow=False, response_mode="jwt")
    allowed = browser.authorize_pushed(asking, response_mode="jwt")

    assert "access_denied" == said(app, refused)["error"]
    assert "code" in said(app, allowed)


def test_the_query_of_the_address_is_kept(app, world, browser):
    """RFC 6749 §3.1.2."""
    client = Client.registered(world, "shop", redirect_uris=["https://shop.example/callback?tenant=1"])
    answer = browser.authorize(client, user="ada", response_mode="jwt")

    assert "1" == answer.pop("tenant")
    assert "code" in said(app, answer)


@pytest.mark.parametrize(
    ("fields", "alg"),
    [
        ({}, "RS256"),
        ({"client_metadata": {"authorization_signed_response_alg": "ES256"}}, "ES256"),
        ({"profile": "fapi2"}, "ES256"),
        ({"profile": "fapi2", "client_metadata": {"authorization_signed_response_alg": "PS256"}}, "PS256"),
    ],
)
def test_it_is_signed_as_the_client_wants(app, world, browser, fields, alg):
    """§3: RS256 by default, in the FAPI 2.0 profile ES256; the key is named, and no other token can be made of it."""
    uris = ["https://shop.example/callback"]
    client = SigningClient.made(world, "shop", grant_types=["authorization_code"], redirect_uris=uris, **fields)
    answer = browser.authorize_pushed(client, user="ada", response_mode="jwt")

    assert "code" in said(app, answer)
    assert {"alg", "kid"} == header(answer["response"]).keys()
    assert alg == header(answer["response"])["alg"]


def test_no_id_token_can_be_made_of_it(browser, client):
    """A hint must be an ID token."""
    answer = browser.authorize(client, user="ada", response_mode="jwt")

    assert "invalid_request" == browser.authorize(client, id_token_hint=answer["response"])["error"]


@pytest.mark.parametrize(("alg", "kind"), [("RSA-OAEP-256", "RS256"), ("ECDH-ES", "ES256")])
def test_it_is_encrypted_where_the_client_wants(app, world, browser, alg, kind):
    """§2.2: signed, then encrypted; errors too."""
    key = new_key(kind)
    metadata = {"authorization_encrypted_response_alg": alg, "authorization_encrypted_response_enc": "A256GCM"}
    client = Client.registered(world, "shop", jwks=key_set(key), client_metadata=metadata)

    for changes in ({"prompt": "none"}, {}):
        answer = browser.authorize(client, user="ada", response_mode="jwt", **changes)
        opened = jwe.decrypt_compact(answer["response"], key, algorithms=[alg, "A256GCM"])

        assert {"alg": alg, "enc": "A256GCM", "cty": "JWT"}.items() <= opened.headers().items()
        assert ("error" if changes else "code") in said(app, {"response": opened.plaintext.decode()})


def test_without_a_key_nothing_goes_out_readable(world, browser):
    """A page, since no answer can be sent; and neither code nor error in its address."""
    metadata = {"authorization_encrypted_response_alg": "ECDH-ES"}
    key = RSAKey.generate_key(2048, private=True)
    client = Client.registered(world, "shop", jwks=key_set(key), client_metadata=metadata)
    browser.authorize(client, user="ada")
    page = browser.open(client, response_mode="jwt")

    assert (400, None) == (page.status_code, page.headers.get("Location"))


def test_tokens_stay_out_of_the_query(another, world, app, browser):
    """§2.3.1: `query.jwt` is not for them; `jwt` means the fragment there (§2.3.4)."""
    browser.http = another(extensions=("+implicit",)).test_client()
    types = {"response_types": ["id_token"], "grant_types": ["implicit"]}
    client = Client.registered(world, "shop", **types)
    asked = {"response_type": "id_token", "code_challenge": None, "code_challenge_method": None}
    browser.authorize(Client.registered(world, "other"), user="ada")

    refused = fragment_of(browser.open(client, response_mode="query.jwt", **asked))
    found = said(app, fragment_of(browser.open(client, response_mode="jwt", **asked)))

    assert "invalid_request" == refused["error"]
    assert {"iss", "aud", "exp", "state", "id_token"} == found.keys()


def test_discovery_and_registration_know_it(browser, another):
    """§3, §4."""
    document = browser.get("/.well-known/openid-configuration").json
    opened = another(registration=RegistrationSettings(open=True)).test_client()
    wanted = {"redirect_uris": ["https://shop.example/callback"], "jwks": key_set(new_key())}

    def registered(**members):
        names = {f"authorization_{name}": value for name, value in members.items()}
        return opened.post("/oauth2/register", json=wanted | names, base_url=PUBLIC_URL)

    good = registered(signed_response_alg="PS256", encrypted_response_alg="ECDH-ES")
    assert {"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} <= set(document["response_modes_supported"])
    assert ["RS256", "ES256", "PS256", "EdDSA"] == document["authorization_signing_alg_values_supported"]
    assert ["RSA-OAEP-256", "ECDH-ES"] == document["authorization_encryption_alg_values_supported"]
    assert ["A128GCM", "A256GCM"] == document["authorization_encryption_enc_values_supported"]
    assert (201, "A128GCM") == (good.status_code, good.json["authorization_encrypted_response_enc"])
    assert [400, 400, 400] == [
        registered(signed_response_alg="none").status_code,
        registered(encrypted_response_alg="RSA1_5").status_code,
        registered(encrypted_response_enc="A256GCM").status_code,
    ]
