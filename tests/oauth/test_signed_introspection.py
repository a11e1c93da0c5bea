"""Introspection answers that can be shown to others: RFC 9701."""

import json

import pytest
from actors import PUBLIC_URL, Client, header, unverified
from joserfc import jwe, jws
from joserfc.jwk import KeySet, RSAKey

# The name that clients in the field use; RFC 9864 prefers another.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

DATA, JWT = "https://data.example", "application/token-introspection+jwt"
SIGNING = ["RS256", "ES256", "PS256", "EdDSA"]
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "enc"}, auto_kid=False)


@pytest.fixture
def service(world):
    """Makes the client of a resource server."""

    def made(*keys, **metadata):
        jwks = {"keys": [key.as_dict(private=False) for key in keys]} if keys else None
        world.resource(DATA, "service")
        return Client.registered(
            world, "service", grant_types=["client_credentials"], jwks=jwks, client_metadata=metadata
        )

    return made


@pytest.fixture
def token(world, browser):
    """An access token for the resource server."""
    world.user("ada")
    return lambda: Client.registered(world, "portal", resources=[DATA]).tokens(browser, user="ada")["access_token"]


def ask(client, token, accept=JWT):
    headers = {"Accept": accept} if accept else {}
    return client.post("/oauth2/introspect", {"token": token}, headers=headers)


def verified(client, text):
    """The claims of a JWT that a published key signed."""
    published = KeySet.import_key_set(client.http.get("/oauth2/jwks", base_url=PUBLIC_URL).json)
    return json.loads(jws.deserialize_compact(text, published, algorithms=SIGNING).payload)


def test_answer_is_a_jwt_for_the_caller(service, token, clock):
    """§5: typ, iss, aud and iat, and the whole answer in one member; no sub and exp beside it."""
    caller, presented = service(), token()

    answer = ask(caller, presented)

    assert (200, JWT) == (answer.status_code, answer.content_type)
    assert "no-store" == answer.headers["Cache-Control"]
    assert ("token-introspection+jwt", "RS256") == (header(answer.text)["typ"], header(answer.text)["alg"])
    assert {
        "iss": "https://id.example.com",
        "aud": "service",
        "iat": int(clock().timestamp()),
        "token_introspection": ask(caller, presented, "application/json").json,
    } == verified(caller, answer.text)


@pytest.mark.parametrize("alg", SIGNING)
def test_client_chooses_the_algorithm(service, token, alg):
    """§6: introspection_signed_response_alg, of those that discovery lists."""
    caller = service(introspection_signed_response_alg=alg)

    answer = ask(caller, token()).text

    assert alg == header(answer)["alg"]
    assert verified(caller, answer)["token_introspection"]["active"]


def test_what_is_not_active_is_signed_too(service):
    """§5: `{"active": false}` and nothing else."""
    assert {"active": False} == unverified(ask(service(), "x").text)["token_introspection"]


def test_encrypted_to_the_caller(service, token):
    """§6: introspection_encrypted_response_alg; a signed JWT within a JWE (RFC 7519 §5.2)."""
    caller = service(RSA, introspection_encrypted_response_alg="RSA-OAEP-256")

    found = jwe.decrypt_compact(ask(caller, token()).text, RSA, algorithms=["RSA-OAEP-256", "A128GCM"])

    assert {"alg": "RSA-OAEP-256", "enc": "A128GCM", "kid": "rsa", "cty": "JWT"} == found.protected
    assert verified(caller, found.plaintext.decode())["token_introspection"]["active"]


def test_without_a_key_nothing_goes_out(service, token):
    """What was to be encrypted is never sent readable."""
    caller = service(introspection_encrypted_response_alg="RSA-OAEP-256")

    assert (400, "invalid_request") == ((answer := ask(caller, token())).status_code, answer.json["error"])


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/html", "application/json"),
        ("no media type", "application/json"),
        (f"{JWT}, application/json", "application/json"),
        (f"{JWT};q=0.5, application/json", "application/json"),
        (f"{JWT};q=0, */*", "application/json"),
        (f"application/json;q=0.5, {JWT}", JWT),
        (f"*/*;q=0.1, {JWT}", JWT),
        (JWT.upper(), JWT),
    ],
)
def test_accept_decides(service, accept, content_type):
    """RFC 9110 §12.5.1: by quality, JSON where the caller does not mind; caches are told (§12.5.5)."""
    answer = ask(service(), "x", accept)

    assert content_type == answer.content_type
    assert "Accept" == answer.headers["Vary"]


def test_answer_is_no_token(app, service, token):
    """§8.1: neither as an access token nor to introspect it."""
    caller = service()
    answer = ask(caller, token()).text

    assert 401 == caller.userinfo(answer).status_code
    assert {"active": False} == caller.introspect(answer).json


def test_refusals_stay_json(service, token):
    """RFC 7662 §2.3: an error is an error of OAuth."""
    caller = service()

    missing = caller.post("/oauth2/introspect", {}, headers={"Accept": JWT})
    stranger = caller.post("/oauth2/introspect", {"token": token()}, headers={"Accept": JWT}, auth=None)

    assert (400, "invalid_request") == (missing.status_code, missing.json["error"])
    assert (401, "invalid_client") == (stranger.status_code, stranger.json["error"])
