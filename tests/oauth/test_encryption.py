"""Signed and encrypted answers: OpenID Connect Core §5.3.2, §10; RFC 7516; ID tokens in every algorithm (§2)."""

import base64
import json

import pytest
from actors import PUBLIC_URL, Client, header, unverified
from joserfc import jwe, jws
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

# The name that clients in the field use; RFC 9864 prefers another.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "enc"}, auto_kid=False)
EC = ECKey.generate_key("P-256", {"kid": "ec"}, auto_kid=False)
X25519 = OKPKey.generate_key("X25519", auto_kid=False)
SIGNING = ["RS256", "ES256", "PS256", "EdDSA"]


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada")


def registered(world, *keys, **metadata):
    """A client with these public keys."""
    jwks = {"keys": [key.as_dict(private=False) for key in keys]}
    return Client.registered(world, "sealed", jwks=jwks if keys else None, client_metadata=metadata)


def opened(token, key):
    """Header and content of a JWE."""
    found = jwe.decrypt_compact(token, key, algorithms=["RSA-OAEP-256", "ECDH-ES", "A128GCM", "A256GCM"])
    return found.protected, found.plaintext.decode()


def verified(client, token):
    """The claims of a JWT that a published key signed."""
    published = KeySet.import_key_set(client.http.get("/oauth2/jwks", base_url=PUBLIC_URL).json)
    return json.loads(jws.deserialize_compact(token, published, algorithms=SIGNING).payload)


@pytest.mark.parametrize("alg", SIGNING)
def test_id_token_in_every_advertised_algorithm(world, browser, client, alg):
    """§2, §3.1.3.6: the client's choice signs, and the hashes are that algorithm's."""
    chosen = registered(world, id_token_signed_response_alg=alg)

    token = chosen.tokens(browser, user="ada")["id_token"]

    advertised = client.http.get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json
    assert alg in advertised["id_token_signing_alg_values_supported"]
    assert alg == header(token)["alg"]
    assert "sub-ada" == verified(client, token)["sub"]
    assert (43 if alg == "EdDSA" else 22) == len(unverified(token)["at_hash"])


@pytest.mark.parametrize("alg", SIGNING)
def test_signed_userinfo(world, browser, alg):
    """§5.3.2: `application/jwt`, with `iss` and `aud`; no typ, so that it is no token of another kind."""
    signed = registered(world, userinfo_signed_response_alg=alg)
    tokens = signed.tokens(browser, user="ada", scope="openid email")

    response = signed.userinfo(tokens["access_token"])

    assert ("application/jwt", "no-store") == (response.content_type, response.headers["Cache-Control"])
    assert {"alg", "kid"} == header(response.text).keys()
    assert {
        "iss": PUBLIC_URL,
        "aud": "sealed",
        "sub": "sub-ada",
        "email": "ada@example.com",
        "email_verified": True,
    } == verified(signed, response.text)


def test_signed_userinfo_is_no_hint_and_no_token(world, browser):
    """Tokens of one kind do not pass for another (promise P13)."""
    signed = registered(world, userinfo_signed_response_alg="RS256")
    found = signed.userinfo(signed.tokens(browser, user="ada")["access_token"]).text

    assert "invalid_request" == browser.authorize(signed, id_token_hint=found)["error"]
    assert 401 == signed.userinfo(found).status_code


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
@pytest.mark.parametrize(("alg", "key"), [("RSA-OAEP-256", RSA), ("ECDH-ES", EC), ("ECDH-ES", X25519)])
def test_encrypted_id_token_is_a_signed_one_inside(world, browser, alg, key, enc):
    """§10.2: signed, then encrypted to a key of the client that suits the algorithm."""
    others = [other for other in (RSA, EC) if other is not key and other.key_type != key.key_type]
    chosen = {"id_token_encrypted_response_alg": alg, "id_token_encrypted_response_enc": enc}
    client = registered(world, *(others if alg == "RSA-OAEP-256" else [RSA]), key, **chosen)

    tokens = client.tokens(browser, user="ada")
    again = client.refresh(tokens["refresh_token"]).json["id_token"]

    protected, inner = opened(tokens["id_token"], key)
    kid = {"kid": key.as_dict()["kid"]} if "kid" in key.as_dict() else {}
    assert {"alg": alg, "enc": enc, "cty": "JWT", **kid} == {n: v for n, v in protected.items() if n != "epk"}
    assert ("sub-ada", "n0nce") == (verified(client, inner)["sub"], verified(client, inner)["nonce"])
    assert "sub-ada" == verified(client, opened(again, key)[1])["sub"]


def test_encrypted_id_token_is_a_hint_once_it_is_opened(world, browser):
    """§3.1.2.1: the client decrypts it first; as it came it is no ID token of ours."""
    client = registered(world, EC, id_token_encrypted_response_alg="ECDH-ES")
    token = client.tokens(browser, user="ada")["id_token"]

    assert "code" in browser.authorize(client, id_token_hint=opened(token, EC)[1], prompt="none")
    assert "invalid_request" == browser.authorize(client, id_token_hint=token)["error"]


def test_encrypted_userinfo(world, browser):
    """§5.3.2: JSON inside; a JWT inside when it is signed as well."""
    plain = {"userinfo_encrypted_response_alg": "RSA-OAEP-256", "userinfo_encrypted_response_enc": "A256GCM"}
    only = registered(world, RSA, **plain)
    response = only.userinfo(only.tokens(browser, user="ada")["access_token"])
    world.execute('UPDATE client SET metadata = metadata || \'{"userinfo_signed_response_alg": "ES256"}\'')
    world.forget_cache()
    both = only.userinfo(only.tokens(browser, user="ada")["access_token"])

    protected, inner = opened(response.text, RSA)
    nested, signed = opened(both.text, RSA)
    assert "application/jwt" == response.content_type == both.content_type
    assert ({"sub": "sub-ada"}, None) == (json.loads(inner), protected.get("cty"))
    assert {"iss": PUBLIC_URL, "aud": "sealed", "sub": "sub-ada"} == verified(only, signed)
    assert ("JWT", "A256GCM", "rsa") == (nested["cty"], nested["enc"], nested["kid"])


@pytest.mark.parametrize(
    "change",
    [
        {"use": "sig"},
        {"alg": "ECDH-ES+A128KW"},
        {"crv": "P-999"},
        {"x": "AAAA"},
        {"kty": ["EC"]},
    ],
)
def test_without_a_fitting_key_nothing_is_sent(world, browser, change):
    """A token that was to be encrypted never goes out readable; the client's developer learns why."""
    jwks = {"keys": [{**EC.as_dict(private=False), **change}]}
    chosen = {"id_token_encrypted_response_alg": "ECDH-ES"}
    client = Client.registered(world, "sealed", jwks=jwks, client_metadata=chosen)
    answer = browser.authorize(client, user="ada")

    response = client.redeem(answer["code"])

    assert (400, "invalid_request") == (response.status_code, response.json["error"])
    assert {"error", "error_description"} == response.json.keys()


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("bits", [1024, 8200])
def test_weak_or_huge_rsa_keys_are_no_keys(world, browser, bits):
    """NIST SP 800-131A: 2048 bits at least; and nobody makes us compute with giants."""
    modulus = ((1 << bits) - 159).to_bytes(bits // 8)
    key = {"kty": "RSA", "n": base64.urlsafe_b64encode(modulus).rstrip(b"=").decode(), "e": "AQAB"}
    chosen = {"userinfo_encrypted_response_alg": "RSA-OAEP-256"}
    client = Client.registered(world, "sealed", jwks={"keys": [key]}, client_metadata=chosen)

    response = client.userinfo(client.tokens(browser, user="ada")["access_token"])

    assert (400, "invalid_request") == (response.status_code, response.json["error"])
