"""Access tokens that are bound to a certificate: RFC 8705 §3, §4, §7.1."""

import pytest
from actors import PUBLIC_URL, unverified
from dpop_key import Key
from signing_client import ASSERTION_TYPE, SigningClient
from tls_client import BOUND, HEADER, MTLS_URL, TlsClient, refused, thumbprint


def bound(world, certificate, client_id="tls", **fields):
    """A client whose tokens are bound to its certificate."""
    return TlsClient.self_signed(
        world, certificate, **{"client_id": client_id, "client_metadata": {BOUND: True}, **fields}
    )


def test_token_names_its_certificate(world, made):
    """§3.1: in the JWT; §3.2: in introspection, where the type stays Bearer."""
    client = bound(world, made())
    answer = client.ask().json
    introspected = client.post("/oauth2/introspect", {"token": answer["access_token"]}).json

    assert {"x5t#S256": thumbprint(client.certificate)} == unverified(answer["access_token"])["cnf"]
    assert {"x5t#S256": thumbprint(client.certificate)} == introspected["cnf"]
    assert ["Bearer"] * 2 == [answer["token_type"], introspected["token_type"]]


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
def test_any_client_may_have_bound_tokens(world, browser, made, method):
    """§4: whatever its method, and without one; userinfo and the API ask for the certificate (§3)."""
    company = world.company("acme")
    world.user("ada", [company])
    client = TlsClient.registered(world, "app", public=method == "none", client_metadata={BOUND: True})
    client.certificate = made()
    token = client.tokens(browser, user="ada", scope="openid companies", resource=f"{PUBLIC_URL}/api")["access_token"]

    for path in ("/oauth2/userinfo", "/api/v1/me/companies"):
        assert 200 == client.bearing(token, path=path).status_code
        for other in (made(), None):
            answer = client.bearing(token, other, path)
            assert 401 == answer.status_code
            assert "invalid_token" in answer.headers["WWW-Authenticate"]


def test_token_without_a_certificate_is_not_issued(world, made):
    """§3.4 leaves it to us: a client that registered bound tokens gets no others."""
    client = TlsClient.registered(world, "app", grant_types=["client_credentials"], client_metadata={BOUND: True})

    answer = client.ask()

    assert (400, "invalid_request") == (answer.status_code, answer.json["error"])


def test_request_without_the_certificate_costs_no_code(world, browser, made):
    """It is refused before anybody looks at the grant: the client comes again with its certificate."""
    world.user("ada")
    client = TlsClient.registered(world, "app", client_metadata={BOUND: True})
    code = browser.authorize(client, user="ada")["code"]
    assert "invalid_request" == client.redeem(code).json["error"]
    client.certificate = made()

    assert 200 == client.redeem(code).status_code


def test_token_is_not_issued_in_the_front(another, world, browser, made):
    """A browser has no certificate of the client: such a token could not be bound."""
    world.user("ada")
    client = bound(
        world,
        made(),
        grant_types=["authorization_code", "implicit"],
        response_types=["code", "code token"],
    )
    browser.http = another(extensions=("+implicit", "+hybrid")).test_client()
    response = browser.open(client, response_type="code token", response_mode="fragment")

    assert "error=invalid_request" in response.headers["Location"]


def test_refresh_token_of_a_public_client_needs_the_certificate(world, browser, made):
    """§4: the refresh token is bound like the access token."""
    world.user("ada")
    client = TlsClient.registered(world, "spa", public=True, client_metadata={BOUND: True})
    client.certificate = made()
    token = client.tokens(browser, user="ada")["refresh_token"]

    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert "invalid_grant" == client.post("/oauth2/token", form, certificate=made()).json["error"]
    assert "invalid_request" == client.post("/oauth2/token", form, certificate=None).json["error"]
    assert 200 == client.post("/oauth2/token", form).status_code


def test_confidential_client_may_change_its_certificate(world, browser, made):
    """§7.1: its refresh token is bound by its authentication; new access tokens have the new certificate."""
    world.user("ada")
    old, new = made(), made()
    both = {"keys": [*old.jwks["keys"], *new.jwks["keys"]]}
    client = bound(world, old, jwks=both, grant_types=["authorization_code", "refresh_token"])
    token = client.tokens(browser, user="ada")["refresh_token"]

    answer = client.post("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}, certificate=new)

    assert {"x5t#S256": thumbprint(new)} == unverified(answer.json["access_token"])["cnf"]


def test_taking_the_proxy_away_does_not_unbind(reopened, world, made):
    """Clients that registered bound tokens get none then, and those that they have count nowhere."""
    client = TlsClient.registered(
        world, "app", grant_types=["client_credentials"], client_metadata={BOUND: True}, scopes=["openid"]
    )
    client.certificate = made()
    token = client.ask().json["access_token"]
    client.http = reopened().test_client(use_cookies=False)

    assert (400, "invalid_request") == (client.ask().status_code, client.ask().json["error"])
    assert 401 == client.bearing(token).status_code


@pytest.mark.parametrize("origin", [PUBLIC_URL, MTLS_URL])
def test_dpop_key_and_certificate_may_bind_one_token(app, world, made, origin):
    """Neither replaces the other; a proof is for the endpoint, whichever of its two addresses it has (§5)."""
    client, key = bound(world, made()), Key(app)

    answer = client.ask(headers=key.headers(uri=f"{origin}/oauth2/token"))

    assert {"jkt": key.thumbprint, "x5t#S256": thumbprint(client.certificate)} == unverified(
        answer.json["access_token"]
    )["cnf"]


def test_proof_for_another_host_is_none(app, world, made):
    """Only addresses of ours."""
    client, key = bound(world, made()), Key(app)

    answer = client.ask(headers=key.headers(uri="https://mtls.evil.example/oauth2/token"))

    assert "invalid_dpop_proof" == answer.json["error"]


@pytest.mark.parametrize("audience", [PUBLIC_URL, f"{PUBLIC_URL}/oauth2/token", f"{MTLS_URL}/oauth2/token"])
def test_assertion_may_be_for_the_endpoint_as_discovery_names_it(app, world, made, audience):
    """RFC 7523 §3: a client with a key and a bound token sends its assertion to the alias (§5)."""
    signer = SigningClient.made(world, client_metadata={BOUND: True})
    certificate = made()

    answer = signer.post(
        "/oauth2/token",
        {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signer.assertion(aud=audience),
        },
        auth=None,
        headers={HEADER: certificate.escaped},
    )

    assert {"x5t#S256": thumbprint(certificate)} == unverified(answer.json["access_token"])["cnf"]


def test_certificate_alone_is_enough_for_fapi_2(world, browser, made):
    """FAPI 2.0 Security Profile §5.3.2.1: mutual TLS authenticates the client, at PAR too, and binds its tokens."""
    world.user("ada")
    grants = ["authorization_code", "refresh_token"]
    client = bound(world, made(), "bank", grant_types=grants, profile="fapi2")
    lax = TlsClient.self_signed(world, made(), client_id="lax", grant_types=grants, profile="fapi2")

    code = browser.authorize_pushed(client, user="ada")["code"]
    token = client.redeem(code).json["access_token"]

    assert 200 == client.bearing(token).status_code
    assert 401 == client.bearing(token, made()).status_code
    assert refused(client.post("/oauth2/par", client.parameters(), certificate=made()))
    assert "invalid_request" == lax.redeem(browser.authorize_pushed(lax)["code"]).json["error"]
