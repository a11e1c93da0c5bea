"""Proof of possession at the token endpoint, RFC 9449: tokens that are worth nothing without their key."""

import base64
import json
from types import SimpleNamespace

import pytest
from actors import PUBLIC_URL, Client, answer_of, fragment_of, unverified
from cryptography.hazmat.primitives.asymmetric import rsa
from dpop_key import TOKEN, Key
from signing_client import NO_TIMES, new_key

from idp.oauth.supported import supported_by
from keys import compact

BAD = (400, "invalid_dpop_proof")


@pytest.fixture
def key(app):
    """The key that the client holds."""
    return Key(app)


def grant(machine, proof, **form):
    """A machine's token, with this value of the DPoP header."""
    headers = {} if proof is None else {"DPoP": proof}
    return machine.post("/oauth2/token", {"grant_type": "client_credentials", **form}, headers=headers)


def refusal(response):
    return response.status_code, response.json["error"]


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "PS256", "RS256"])
def test_token_is_bound_to_the_key(app, machine, alg):
    """RFC 9449 §5, §6.1: token_type DPoP, and `cnf.jkt` is the key's thumbprint (RFC 7638)."""
    key = Key(app, alg)

    answer = grant(machine, key.proof())

    assert 200 == answer.status_code, answer.text
    assert "DPoP" == answer.json["token_type"]
    assert {"jkt": key.thumbprint} == unverified(answer.json["access_token"])["cnf"]
    assert "DPoP-Nonce" not in answer.headers


def rsa_key(app, bits, exponent=65_537):
    key = Key(app, "PS256")
    private = rsa.generate_private_key(exponent, bits)
    key.key = SimpleNamespace(private_key=private)
    n = private.public_key().public_numbers().n
    key.jwk = {
        "kty": "RSA",
        "n": compact.b64encode(n.to_bytes(bits // 8)).decode(),
        "e": compact.b64encode(exponent.to_bytes(3 if exponent > 255 else 1)).decode(),
    }
    return key


def test_large_rsa_key_fits(app, machine):
    """4096 bits are in the header as a whole."""
    assert 200 == grant(machine, rsa_key(app, 4096).proof()).status_code


@pytest.mark.parametrize(("bits", "exponent"), [(1024, 65_537), (2040, 65_537), (4104, 65_537), (2048, 3)])
def test_rsa_keys_are_usual_ones(app, machine, bits, exponent):
    """Neither weak nor costly to check, and with the exponent that everybody uses."""
    assert BAD == refusal(grant(machine, rsa_key(app, bits, exponent).proof()))


def test_rsa_key_has_one_spelling(app, machine):
    """RFC 7518 §2: no leading zero octets, or a key would have two thumbprints; nor another exponent than it has."""
    key = Key(app, "PS256")
    octets = compact.b64decode(key.jwk["n"].encode())

    for changes in ({"n": compact.b64encode(b"\0" + octets).decode()}, {"n": ""}, {"e": "Aw"}, {"e": "AAEAAQ"}):
        assert BAD == refusal(grant(machine, key.proof(header={"jwk": {**key.jwk, **changes}})))


def test_without_a_proof_a_token_is_a_bearer_token(machine):
    """The client chooses, unless it registered otherwise."""
    answer = grant(machine, None).json

    assert "Bearer" == answer["token_type"]
    assert "cnf" not in unverified(answer["access_token"])


# What a header must be (RFC 9449 §4.2); None takes a member out.
HEADERS = {
    "no typ": {"typ": None},
    "another typ": {"typ": "jwt"},
    "typ of another case": {"typ": "DPoP+JWT"},
    "no alg": {"alg": None},
    "alg none": {"alg": "none"},
    "alg of a secret": {"alg": "HS256"},
    "alg of another kind of key": {"alg": "RS256"},
    "alg is no string": {"alg": ["ES256"]},
    "no jwk": {"jwk": None},
    "jwk is a string": {"jwk": "x"},
    "jwk is empty": {"jwk": {}},
    "jwk of a secret": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    "crit": {"crit": ["x"], "x": 1},
    "b64": {"b64": False},
    "zip": {"zip": "DEF"},
    "too long": {"x": "x" * 2_000},
}


@pytest.mark.parametrize("changes", HEADERS.values(), ids=HEADERS)
def test_header_is_that_of_a_proof(machine, key, changes):
    """RFC 9449 §4.3, checks 4 to 7."""
    assert BAD == refusal(grant(machine, key.proof(header=changes)))


def recut(jwk):
    """The same octets in the same order: another spelling, with another thumbprint, of the same point."""
    octets = compact.b64decode(jwk["x"].encode()) + compact.b64decode(jwk["y"].encode())
    return {"x": compact.b64encode(octets[:31]).decode(), "y": compact.b64encode(octets[31:]).decode()}


KEYS = {
    "private": lambda key: {**key.jwk, "d": "AAAA"},
    "prime factors": lambda key: {**key.jwk, "p": "AAAA"},
    "another curve": lambda key: {**key.jwk, "crv": "P-384"},
    "another kind": lambda key: {**key.jwk, "kty": "OKP"},
    "no coordinate": lambda key: {name: value for name, value in key.jwk.items() if name != "y"},
    "coordinate is a number": lambda key: {**key.jwk, "x": 1},
    "coordinate is not ASCII": lambda key: {**key.jwk, "x": "é" * 43},
    "coordinate is too short": lambda key: {**key.jwk, "x": key.jwk["x"][:40]},
    "coordinates cut elsewhere": lambda key: {**key.jwk, **recut(key.jwk)},
    "padded": lambda key: {**key.jwk, "x": key.jwk["x"] + "="},
    "not on the curve": lambda key: {**key.jwk, "x": key.jwk["y"], "y": key.jwk["x"]},
    "another key": lambda key: new_key(kid=None).as_dict(private=False),
}


@pytest.mark.parametrize("changed", KEYS.values(), ids=KEYS)
def test_jwk_is_the_public_key_that_signed(machine, key, changed):
    """RFC 9449 §4.3, checks 6 and 7: complete, canonical, and without a private part."""
    assert BAD == refusal(grant(machine, key.proof(header={"jwk": changed(key)})))


CLAIMS = {
    "no jti": {"jti": None},
    "jti is empty": {"jti": ""},
    "jti is a number": {"jti": 1},
    "jti is too long": {"jti": "x" * 257},
    "no htm": {"htm": None},
    "another htm": {"htm": "GET"},
    "htm in another case": {"htm": "post"},
    "no htu": {"htu": None},
    "htu is a list": {"htu": [TOKEN]},
    "another path": {"htu": f"{PUBLIC_URL}/oauth2/par"},
    "path in another case": {"htu": f"{PUBLIC_URL}/oauth2/TOKEN"},
    "a longer path": {"htu": f"{TOKEN}/"},
    "another host": {"htu": "https://id.example.org/oauth2/token"},
    "a longer host": {"htu": "https://id.example.com.evil.example/oauth2/token"},
    "another port": {"htu": "https://id.example.com:444/oauth2/token"},
    "the other scheme's port": {"htu": "https://id.example.com:80/oauth2/token"},
    "another scheme": {"htu": "http://id.example.com/oauth2/token"},
    "a user": {"htu": "https://x@id.example.com/oauth2/token"},
    "a tab": {"htu": "https://id.example.com/oauth2/\ttoken"},
    "a space at the end": {"htu": f"{TOKEN} "},
    "a new line at the end": {"htu": f"{TOKEN}\n"},
    "only a path": {"htu": "/oauth2/token"},
    "no iat": {"iat": None},
    **{f"iat is no time ({number})": {"iat": value} for number, value in enumerate(NO_TIMES)},
}


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS)
def test_claims_are_those_of_the_request(machine, key, changes):
    """RFC 9449 §4.3, checks 3 and 8 to 11."""
    assert BAD == refusal(grant(machine, key.proof(**changes)))


@pytest.mark.parametrize("seconds", [-3600, -61, -60, 61, 3600])
def test_proof_is_of_now(machine, key, clock, seconds):
    """RFC 9449 §11.1: a minute either way."""
    assert BAD == refusal(grant(machine, key.proof(iat=int(clock().timestamp()) + seconds)))


@pytest.mark.parametrize("seconds", [-59, -10, 0.5, 10, 60])
def test_clocks_may_differ_by_a_minute(machine, key, clock, seconds):
    """The FAPI suite wants ten seconds."""
    assert 200 == grant(machine, key.proof(iat=clock().timestamp() + seconds)).status_code


@pytest.mark.parametrize(
    "uri",
    [
        f"{TOKEN}?a=b&c",
        f"{TOKEN}#fragment",
        f"{TOKEN}?a=b#fragment",
        "https://ID.example.COM/oauth2/token",
        "HTTPS://id.example.com/oauth2/token",
        "https://id.example.com:443/oauth2/token",
        "https://id.example.com/oauth2/%74oken",
        "https://id.example.com/oauth2/tok%65n",
    ],
)
def test_spelling_of_the_address_does_not_matter(machine, key, uri):
    """RFC 9449 §4.3, check 9: without query and fragment, normalised as RFC 3986 §6.2.2 and §6.2.3 say."""
    assert 200 == grant(machine, key.proof(uri=uri)).status_code


def test_what_a_proof_says_besides_is_ignored(machine, key, clock):
    """Unknown members, and times that mean nothing in a proof."""
    now = int(clock().timestamp())
    proof = key.proof(header={"kid": "x", "x": 1}, exp=now - 60, nbf=now + 60, more={"a": [1]}, ath="x")

    assert 200 == grant(machine, proof).status_code


@pytest.mark.parametrize("proof", ["", "x", "a.b", "a.b.c.d", "é.é.é", "e30.e30.e30", "....", "A" * 8_193])
def test_what_is_no_jwt_is_refused(machine, proof):
    """Never a failure of ours."""
    assert BAD == refusal(grant(machine, proof.encode().decode("latin-1")))


@pytest.mark.parametrize(
    "payload", ["[]", "x", '{"jti":"a","jti":"b"}', '{"iat":NaN}', "[" * 5_000, '{"jti":"\\ud800"}', "null"]
)
def test_payload_is_one_object(machine, key, payload):
    """RFC 8725 §2.4: one reading."""
    assert BAD == refusal(grant(machine, key.proof(payload=payload)))


def test_jti_may_be_any_text(machine, key):
    """It is only compared."""
    for jti in ("\0", "\ud800", "é" * 256):
        assert 200 == grant(machine, key.proof(payload=json.dumps(key.claims(jti=jti)))).status_code


def test_size_is_judged_first(machine, key, monkeypatch):
    """Nothing of a proof that is too long is decoded."""
    long, long_header = key.proof(more="x" * 8_192), key.proof(header={"x": "x" * 2_000})
    monkeypatch.setattr("keys.compact.b64decode", None)

    assert BAD == refusal(grant(machine, long))
    assert BAD == refusal(grant(machine, long_header))


def test_two_proofs_are_refused(machine, key):
    """RFC 9449 §4.3, check 1; servers join the two headers with a comma."""
    pair = base64.b64encode(f"machine:{machine.secret}".encode()).decode()
    answer = machine.http.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers=[("Authorization", f"Basic {pair}"), ("DPoP", key.proof()), ("DPoP", key.proof())],
        base_url=PUBLIC_URL,
    )

    for refused in (answer, grant(machine, f"{key.proof()},{key.proof()}")):
        assert BAD == refusal(refused)
        assert refused.json["error_description"].endswith("there is more than one")


def test_signature_is_checked(machine, key):
    """Of the last character too."""
    head, payload, signature = key.proof().split(".")
    other = key.proof(jti="another").split(".")[1]

    for forged in (f"{head}.{other}.{signature}", f"{head}.{payload}.{signature[:-2]}", f"{head}.{payload}."):
        assert BAD == refusal(grant(machine, forged))


def test_answer_says_what_is_wrong_and_repeats_nothing(machine, key):
    """For the client's developer."""
    answer = grant(machine, key.proof(uri="https://evil.example/<script>"))

    said = "the DPoP proof is not accepted: htu is not the address of the request"
    assert {"error": "invalid_dpop_proof", "error_description": said} == answer.json
    assert "no-store" == answer.headers["Cache-Control"]


def test_proof_works_once(machine, world, key):
    """RFC 9449 §11.1; and what happened is in the audit."""
    proof = key.proof()

    assert 200 == grant(machine, proof).status_code
    assert BAD == refusal(grant(machine, proof))
    assert ["dpop.replayed"] == world.events()


def test_of_proofs_at_once_one_works(machine, key, at_once):
    """Twenty with one jti: the insert decides."""
    proof = key.proof()

    answers = at_once(20, lambda: grant(machine, proof).status_code)

    assert [200] + [400] * 19 == sorted(answers)


def test_replays_of_a_client_cost_some_rows(machine, world, key):
    """Ten a minute: nobody floods the records."""
    proof = key.proof()

    for _ in range(13):
        grant(machine, proof)

    assert ["dpop.replayed"] * 10 == world.events()


def test_used_proof_is_remembered_while_it_is_good(machine, key, clock, world):
    """One from a minute ahead lives for two; nothing is kept longer."""
    proof = key.proof(iat=int(clock().timestamp()) + 60)
    assert 200 == grant(machine, proof).status_code

    clock.advance(119)
    assert BAD == refusal(grant(machine, proof))
    assert ["dpop.replayed"] == world.events()
    ((kept,),) = world.execute("SELECT max(expires_at) FROM replay")
    assert 1 == (kept - clock()).total_seconds()

    clock.advance(1)
    assert BAD == refusal(grant(machine, proof))
    assert 1 == len(world.events())


def test_names_of_others_do_not_collide(app, machine, key):
    """Whoever holds another key may choose the same jti."""
    assert 200 == grant(machine, key.proof(jti="1")).status_code
    assert 200 == grant(machine, Key(app).proof(jti="1")).status_code


def redeem(client, code, key=None, **changes):
    form = {"code": code, "redirect_uri": client.redirect_uri, "code_verifier": client.verifier, **changes}
    headers = key.headers() if isinstance(key, Key) else {"DPoP": key} if key else {}
    return client.post("/oauth2/token", {"grant_type": "authorization_code", **form}, headers=headers)


def refresh(client, token, key=None):
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return client.post("/oauth2/token", form, headers=key.headers() if key else {})


def test_bad_proof_costs_no_code(client, browser, world, key):
    """The proof is judged before the grant: the code still works."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    assert BAD == refusal(redeem(client, code, key.proof(htm="GET")))
    used = key.proof()
    assert 400 == redeem(client, "unknown", used).status_code
    assert BAD == refusal(redeem(client, code, used))
    answer = redeem(client, code, key)

    assert 200 == answer.status_code
    assert "DPoP" == answer.json["token_type"]


def test_bad_proof_costs_no_refresh_token(public_client, browser, world, key):
    """It has not rotated."""
    world.user("ada")
    token = public_client.tokens(browser, user="ada")["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}

    refused = public_client.post("/oauth2/token", form, headers=key.headers(htm="GET"))

    assert BAD == refusal(refused)
    assert [(0,)] == world.execute("SELECT generation FROM oauth_grant")
    assert 200 == refresh(public_client, token, key).status_code


def test_unauthenticated_client_burns_nothing(machine, world, key):
    """Whoever is nobody cannot fill the table."""
    answer = machine.http.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials", "client_id": "machine", "client_secret": "wrong"},
        headers=key.headers(),
        base_url=PUBLIC_URL,
    )

    assert (401, "invalid_client") == refusal(answer)
    assert 0 == world.count("replay")


def test_refresh_token_of_a_public_client_is_bound(app, public_client, browser, world, key):
    """RFC 9449 §5: no other key gets further, none neither; a failed attempt ends nothing."""
    world.user("ada")
    token = redeem(public_client, browser.authorize(public_client, user="ada")["code"], key).json["refresh_token"]

    assert (400, "invalid_grant") == refusal(refresh(public_client, token, Key(app)))
    assert (400, "invalid_grant") == refusal(refresh(public_client, token))
    answer = refresh(public_client, token, key).json

    assert {"jkt": key.thumbprint} == unverified(answer["access_token"])["cnf"]
    assert "DPoP" == answer["token_type"]


def test_confidential_client_may_change_its_key(app, client, browser, world, key):
    """RFC 9449 §5: it authenticates for its refresh token; the FAPI suite does so."""
    world.user("ada")
    token = redeem(client, browser.authorize(client, user="ada")["code"], key).json["refresh_token"]
    other = Key(app)

    answer = refresh(client, token, other).json

    assert {"jkt": other.thumbprint} == unverified(answer["access_token"])["cnf"]


@pytest.mark.parametrize("public", [False, True])
def test_code_is_bound_to_the_key_that_its_request_named(app, world, browser, key, public):
    """RFC 9449 §10: with another key, or without a proof, it is worth nothing."""
    client = Client.registered(world, "spa", public=public)
    world.user("ada")

    def code():
        return browser.authorize(client, user="ada", dpop_jkt=key.thumbprint)["code"]

    assert (400, "invalid_grant") == refusal(redeem(client, code(), Key(app)))
    assert BAD == refusal(redeem(client, code()))
    assert {"jkt": key.thumbprint} == unverified(redeem(client, code(), key).json["access_token"])["cnf"]


@pytest.mark.parametrize("named", ["x", "x" * 44, "x" * 42 + "=", "x" * 42 + "é"])
def test_dpop_jkt_is_a_thumbprint(client, browser, named):
    """RFC 9449 §10."""
    browser.open(client, dpop_jkt=named)

    assert "invalid_request" == answer_of(browser.page)["error"]


def test_client_that_registered_it_always_sends_a_proof(world, browser, key):
    """RFC 9449 §5.2: `dpop_bound_access_tokens`; what it presented is not lost."""
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    client = Client.registered(world, "bound", grant_types=grants, client_metadata={"dpop_bound_access_tokens": True})
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    assert BAD == refusal(redeem(client, code))
    token = redeem(client, code, key).json["refresh_token"]
    assert BAD == refusal(refresh(client, token))
    assert 200 == refresh(client, token, key).status_code
    assert BAD == refusal(grant(client, None))


class TestTokensInFront:
    """With `extensions = ["+implicit", "+hybrid"]`."""

    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": ("+implicit", "+hybrid")})

    @pytest.mark.parametrize("response_type", ["id_token token", "code token"])
    def test_such_a_client_gets_none(self, world, browser, response_type):
        """The authorization endpoint sees no proof, so its tokens would be for everybody."""
        client = Client.registered(
            world,
            "bound",
            grant_types=["authorization_code", "implicit"],
            response_types=["id_token token", "code token"],
            client_metadata={"dpop_bound_access_tokens": True},
        )

        assert "invalid_request" == fragment_of(browser.open(client, response_type=response_type))["error"]


def test_registration_knows_the_member(app):
    """A boolean and nothing else."""
    provider = app.extensions["oauth"]
    rule = supported_by(provider.extensions, provider.settings).members["dpop_bound_access_tokens"]

    assert rule(None, True) is True
    with pytest.raises(ValueError, match="true or false"):
        rule(None, "true")


def test_fapi_clients_sign_with_fewer_algorithms(app, world):
    """FAPI 2.0 Security Profile §5.4.1: PS256, ES256 and EdDSA."""
    client = Client.registered(world, "bank", grant_types=["client_credentials"], scopes=["jobs:run"], profile="fapi2")

    assert BAD == refusal(grant(client, Key(app, "RS256").proof()))
    for alg in ("ES256", "PS256", "EdDSA"):
        assert "invalid_dpop_proof" != grant(client, Key(app, alg).proof()).json.get("error")


def test_discovery_says_with_what_proofs_are_signed(app, another):
    """RFC 9449 §5.1; under the profile as FAPI wants it."""

    def listed(application):
        document = application.test_client().get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json
        return set(document["dpop_signing_alg_values_supported"])

    under = another(profile="fapi2")

    assert {"ES256", "PS256", "EdDSA", "RS256"} == listed(app)
    assert {"ES256", "PS256", "EdDSA"} == listed(under)


def test_introspection_tells_of_the_key(client, browser, world, key):
    """RFC 9449 §6.2."""
    world.user("ada")
    token = redeem(client, browser.authorize(client, user="ada")["code"], key).json["access_token"]

    found = client.introspect(token).json

    assert {"jkt": key.thumbprint} == found["cnf"]
    assert "DPoP" == found["token_type"]


PAR = f"{PUBLIC_URL}/oauth2/par"


def push(client, key=None, **changes):
    """Push an authorization request, with a proof or without."""
    return client.post("/oauth2/par", client.parameters(**changes), headers=key.headers(uri=PAR) if key else {})


def code_of_pushed(browser, client, answer, user="ada"):
    """The code of a pushed request, once its user has signed in."""
    assert 201 == answer.status_code, answer.text
    browser.get("/oauth2/authorize", client_id=client.client_id, request_uri=answer.json["request_uri"])
    page = browser.follow()
    if page.status_code == 200:
        page = browser.sign_in(user)
    return answer_of(page)["code"]


def test_proof_where_a_request_is_pushed_binds_its_code(app, client, browser, world, key):
    """RFC 9449 §10.1: with another key, or without one, the code is worth nothing."""
    world.user("ada")

    codes = [code_of_pushed(browser, client, push(client, key)) for _ in range(3)]

    assert (400, "invalid_grant") == refusal(redeem(client, codes[0], Key(app)))
    assert BAD == refusal(redeem(client, codes[1]))
    assert 200 == redeem(client, codes[2], key).status_code


def test_pushed_dpop_jkt_and_proof_name_one_key(app, client, browser, world, key):
    """RFC 9449 §10.1: both may come; if they differ, the request is refused at once."""
    world.user("ada")

    differing = push(client, key, dpop_jkt=Key(app).thumbprint)
    agreeing = push(client, key, dpop_jkt=key.thumbprint)
    named = push(client, dpop_jkt=key.thumbprint)

    assert (400, "invalid_request") == refusal(differing)
    for answer in (agreeing, named):
        assert 200 == redeem(client, code_of_pushed(browser, client, answer), key).status_code


def test_proof_where_a_request_is_pushed_is_checked(client, world, key):
    """As at the token endpoint: for this address, and once."""
    elsewhere = client.post("/oauth2/par", client.parameters(), headers=key.headers())
    headers = key.headers(uri=PAR)

    assert BAD == refusal(elsewhere)
    assert 201 == client.post("/oauth2/par", client.parameters(), headers=headers).status_code
    assert BAD == refusal(client.post("/oauth2/par", client.parameters(), headers=headers))
    assert 1 == world.events().count("dpop.replayed")


def test_proof_that_a_browser_brings_means_nothing(client, browser, world, key):
    """At the authorization endpoint there is no client that could prove anything."""
    world.user("ada")
    browser.http.environ_base["HTTP_DPOP"] = "x"

    codes = [browser.authorize(client, user="ada")["code"], code_of_pushed(browser, client, push(client))]

    assert ["Bearer"] * 2 == [redeem(client, code).json["token_type"] for code in codes]
