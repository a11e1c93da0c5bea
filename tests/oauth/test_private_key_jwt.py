"""Client assertions: RFC 7523, OpenID Connect Core §9, promise P9."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import elsewhere as servers
import pytest
from actors import PUBLIC_URL, Client
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateNumbers,
    RSAPublicNumbers,
    generate_private_key,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
)
from signing_client import ASSERTION_TYPE, NO_TIMES, SigningClient, key_set, new_key

from idp import fetch
from idp.db import db
from idp.fetch import Fetcher
from idp.jobs import sweep


@pytest.fixture
def signer(app, world):
    """A client that signs with ES256."""
    return SigningClient.made(world)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with servers.running(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


@pytest.fixture
def elsewhere(app, server):
    """Where clients publish their keys; the provider may reach it."""
    server.asked.clear()
    server.answers.clear()
    app.extensions["idp.fetch"] = Fetcher(allow=["localhost"], ca_file=server.certificate)
    return server


def publishing(world, elsewhere, key, **fields):
    """A client that publishes its keys."""
    elsewhere.answers["/jwks"] = json.dumps(key_set(key)).encode()
    metadata = {"jwks_uri": elsewhere.url("/jwks"), **fields}
    return SigningClient.made(world, key=key, jwks=None, client_metadata=metadata)


def refused(response):
    return (401, "invalid_client", "client authentication failed") == (
        response.status_code,
        response.json["error"],
        response.json["error_description"],
    )


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_it_works_in_every_algorithm(world, alg):
    assert 200 == SigningClient.made(world, alg=alg).prove().status_code


def test_it_works_wherever_clients_authenticate(world):
    """Token, introspection (RFC 7662 §2.1) and revocation endpoint (RFC 7009 §2.1)."""
    signer = SigningClient.made(world)
    token = signer.prove(client_id=signer.client_id).json["access_token"]

    assert signer.prove(path="/oauth2/introspect", token=token).json["active"]
    assert 200 == signer.prove(path="/oauth2/revoke", token=token).status_code
    assert {"active": False} == signer.prove(path="/oauth2/introspect", token=token).json


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_keys_without_a_name_are_found_by_their_kind(world, alg):
    """What the conformance suite registers: keys without kid, and an assertion without one."""
    keys = [new_key("EdDSA", kid=None), new_key(alg, kid=None), new_key(alg, kid=None)]
    signer = SigningClient.made(world, key=keys[2], alg=alg, jwks=key_set(*keys))

    assert 200 == signer.prove().status_code
    assert 200 == signer.prove(signer.assertion(header={"kid": "any"})).status_code


def test_harmless_headers_are_accepted(signer):
    """RFC 7515 §4: what is not understood is ignored; the certificate's thumbprint is a hint."""
    for header in ({"typ": "JWT"}, {"typ": "client-authentication+jwt"}, {"x5t": "abc"}):
        assert 200 == signer.prove(signer.assertion(header=header)).status_code


def test_the_audience_is_the_issuer_or_an_endpoint(signer):
    """RFC 7523 §3 knows the token endpoint too."""
    for path in ("", "/oauth2/token"):
        assert 200 == signer.prove(signer.assertion(aud=PUBLIC_URL + path)).status_code


@pytest.mark.parametrize(
    "path", ["/oauth2/introspect", "/oauth2/revoke", "/oauth2/par", "/oauth2/device_authorization"]
)
def test_the_audience_may_be_the_endpoint_that_is_asked(signer, path):
    """Libraries put in whichever they call (RFC 9126 §2); it counts there alone."""
    assert 401 != signer.prove(signer.assertion(aud=PUBLIC_URL + path), path, token="x").status_code
    assert refused(signer.prove(signer.assertion(aud=PUBLIC_URL + path)))


def test_in_the_fapi_profile_the_audience_is_the_issuer_alone(world):
    """And RS256 is no algorithm (FAPI 2.0 Security Profile §5.3.2.1, §5.4)."""
    signer = SigningClient.made(world, profile="fapi2")
    older = SigningClient.made(world, "older", alg="RS256", profile="fapi2")

    assert 200 == signer.prove(path="/oauth2/introspect", token="x").status_code
    for path in ("/oauth2/token", "/oauth2/introspect"):
        assert refused(signer.prove(signer.assertion(aud=PUBLIC_URL + path), "/oauth2/introspect", token="x"))
    assert refused(older.prove(path="/oauth2/introspect", token="x"))


def test_the_settings_may_put_every_client_under_the_profile(app, signer):
    """One word for a whole instance."""
    context = app.extensions["idp"]
    app.extensions["idp"] = replace(context, settings=context.settings.model_copy(update={"profile": "fapi2"}))

    assert 200 == signer.prove(path="/oauth2/introspect", token="x").status_code
    assert refused(signer.prove(signer.assertion(aud=f"{PUBLIC_URL}/oauth2/token"), "/oauth2/introspect", token="x"))


WRONG_CLAIMS = (
    {"iss": None}, {"iss": "other"}, {"iss": ["signer"]}, {"iss": 1},
    {"aud": None}, {"aud": [PUBLIC_URL]}, {"aud": [PUBLIC_URL, "https://other.example"]}, {"aud": []},
    {"aud": f"{PUBLIC_URL}/"}, {"aud": None},
    {"aud": "https://other.example"}, {"aud": {"x": 1}}, {"aud": f"{PUBLIC_URL}/oauth2/x"},
    {"exp": None}, {"exp": "1894700000"}, {"exp": 0},
    *({name: value} for name in ("exp", "iat", "nbf") for value in NO_TIMES),
    {"jti": None}, {"jti": ""}, {"jti": 5}, {"jti": ["a"]}, {"jti": "x" * 257},
)  # fmt: skip


def test_what_the_claims_may_not_say(signer):
    """Missing, of another type, of another party."""
    accepted = [changes for changes in WRONG_CLAIMS if not refused(signer.prove(signer.assertion(**changes)))]

    assert [] == accepted


def test_the_subject_is_the_client(world, signer):
    """Nobody, a client with a secret, or a name of another kind: one answer."""
    Client.registered(world, "machine", grant_types=["client_credentials"])

    for sub in ("other", "", 5, ["signer"], None, "machine"):
        assert refused(signer.prove(signer.assertion(sub=sub)))
        assert refused(signer.prove(signer.assertion(sub=sub, iss=sub)))


TIMES = (
        ("exp", -59, 200), ("exp", -60, 401), ("exp", 360, 200), ("exp", 361, 401), ("exp", 10 * 365 * 86_400, 401),
        ("iat", 60, 200), ("iat", 61, 401), ("nbf", 60, 200), ("nbf", 61, 401), ("iat", -86_400, 200),
)  # fmt: skip


def test_times_and_how_far_clocks_may_differ(signer, clock):
    """Five minutes at most, a minute of skew."""
    for name, seconds, status in TIMES:
        moment = int(clock().timestamp()) + seconds
        assert status == signer.prove(signer.assertion(**{name: moment})).status_code, (name, seconds)


WRONG_HEADERS = (
    {"jwk": {}}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x"}, {"x5c": ["x"]},
    {"crit": ["exp"]}, {"crit": []}, {"b64": True}, {"zip": "DEF"},
    {"typ": "at+jwt"}, {"typ": "dpop+jwt"}, {"typ": "oauth-authz-req+jwt"}, {"typ": 5},
    {"kid": "unknown"}, {"kid": 5},
)  # fmt: skip


def test_headers_that_bring_a_key_or_change_the_rules(signer):
    """With a good signature by the registered key."""
    accepted = [header for header in WRONG_HEADERS if not refused(signer.prove(signer.assertion(header=header)))]

    assert [] == accepted


def test_a_key_of_its_own_is_not_believed(signer):
    """CVE-2026-27962: the header's key signs, and comes along."""
    stranger = new_key(kid="k1")
    own = stranger.as_dict(private=False)

    assert refused(signer.prove(signer.assertion(key=stranger)))
    assert refused(signer.prove(signer.assertion(key=stranger, header={"jwk": own})))


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_algorithms_that_prove_nothing(signer):
    """none, HMAC with the public key, and what the key is not made for (RFC 8725 §2.1)."""
    public = json.dumps(signer.key.as_dict(private=False))
    body = encoded(signer.claims())
    attempts = [
        f"{encoded({'alg': alg, 'kid': 'k1'})}.{body}." for alg in ("none", "None", "NONE", "ES256", "", "RS256")
    ]
    for secret in (public.encode(), signer.key.as_pem(private=False), b""):
        signed = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{body}"
        attempts.append(f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}")

    assert all(refused(signer.prove(attempt)) for attempt in attempts)


def test_only_the_registered_algorithm(world):
    """token_endpoint_auth_signing_alg; one key can serve two algorithms."""
    key = new_key("RS256")
    signer = SigningClient.made(
        world, key=key, alg="PS256", client_metadata={"token_endpoint_auth_signing_alg": "PS256"}
    )

    assert 200 == signer.prove().status_code
    assert refused(signer.prove(signer.assertion(alg="RS256")))


def with_exponent(exponent):
    """An RSA key with this public exponent, which checks slowly when it is large."""
    numbers = generate_private_key(65_537, 2048).private_numbers()
    d = pow(exponent, -1, (numbers.p - 1) * (numbers.q - 1))
    public = RSAPublicNumbers(exponent, numbers.public_numbers.n)
    parts = (rsa_crt_dmp1(d, numbers.p), rsa_crt_dmq1(d, numbers.q), numbers.iqmp, public)
    return RSAPrivateNumbers(numbers.p, numbers.q, d, *parts).private_key(unsafe_skip_rsa_key_validation=True)


def encoded_number(key, name):
    number = getattr(key.public_key().public_numbers(), name)
    return encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def test_keys_of_another_purpose_or_strength_do_not_count(world):
    """use, alg and key_ops of the registered key; RSA from 2048 bits on, with an exponent that costs little."""
    short = generate_private_key(65_537, 1024)
    n = short.public_key().public_numbers().n.to_bytes(128, "big")
    small = {"kty": "RSA", "kid": "k1", "n": encoded(n), "e": "AQAB"}
    weak = SimpleNamespace(private_key=short, get=small.get, as_dict=lambda **_: small)
    costly = with_exponent(2**32 + 15)
    large = {"kty": "RSA", "kid": "k1", "n": encoded_number(costly, "n"), "e": encoded_number(costly, "e")}
    slow = SimpleNamespace(private_key=costly, get=large.get, as_dict=lambda **_: large)
    cases = [
        (slow, {"keys": [large]}, "RS256"),
        (key := new_key("ES256", use="enc"), key_set(key), "ES256"),
        (key := new_key("RS256"), {"keys": [key.as_dict(private=False) | {"alg": "PS256"}]}, "RS256"),
        (key := new_key("EdDSA"), {"keys": [key.as_dict(private=False) | {"key_ops": ["encrypt"]}]}, "EdDSA"),
        (weak, {"keys": [small]}, "RS256"),
    ]
    for number, (key, jwks, alg) in enumerate(cases):
        assert refused(SigningClient.made(world, f"signer{number}", key=key, alg=alg, jwks=jwks).prove()), alg


NOISE = (
    "x", "..", "a.b.c", "e30.e30.", "e30.e30.e30", "\u00e9.e30.e30", "e30", "a" * 9000, ".".join(["e30"] * 5),
        "bnVsbA.bnVsbA.AA", "W10.W10.AA", "eyJhbGciOiJFUzI1NiIsImFsZyI6Im5vbmUifQ.e30.AA", "e30=.e30.AA",
)  # fmt: skip


def test_noise_is_refused(signer):
    """One answer, never a failure."""
    assert [] == [assertion for assertion in NOISE if not refused(signer.prove(assertion))]


def test_sizes_are_judged_first(signer):
    """8 KiB in all, 1 KiB of header; however good the signature is."""
    assert refused(signer.prove(signer.assertion(more="x" * 9000)))
    assert refused(signer.prove(signer.assertion(header={"x": "y" * 1000})))


def test_claims_with_two_readings_are_refused(signer):
    """A repeated member is read by one party so, by another otherwise."""
    twice = json.dumps(signer.claims())[:-1] + f', "aud": "{PUBLIC_URL}"}}'

    assert refused(signer.prove(signer.assertion(payload=twice)))
    assert refused(signer.prove(signer.assertion(payload="[]")))


def test_another_kind_of_assertion_is_refused(signer):
    """RFC 7521 §4.2."""
    form = {"grant_type": "client_credentials", "client_assertion": signer.assertion()}

    assert refused(signer.post("/oauth2/token", form, auth=None))
    saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    assert refused(signer.post("/oauth2/token", form | {"client_assertion_type": saml}, auth=None))


def test_client_id_must_be_the_one_that_signed(signer):
    """RFC 7521 §4.2."""
    assert 200 == signer.prove(client_id="signer").status_code
    assert refused(signer.prove(client_id="other"))


def test_no_other_method_counts_for_this_client_and_this_for_no_other(world):
    """RFC 7591 §2: exactly what was registered; two at once are refused (RFC 6749 §2.3)."""
    signer = SigningClient.made(world)
    machine = Client.registered(world, "machine", grant_types=["client_credentials"], jwks=key_set(signer.key))

    assert refused(signer.post("/oauth2/token", {"grant_type": "client_credentials", "client_id": "signer"}, auth=None))
    assert refused(signer.prove(signer.assertion(iss="machine", sub="machine")))
    both = signer.post(
        "/oauth2/token",
        {"grant_type": "client_credentials", "client_assertion": "x", "client_assertion_type": ASSERTION_TYPE},
    )
    assert "invalid_request" == signer.prove(client_secret="x").json["error"]
    assert both.status_code in (400, 401)
    assert 200 == machine.token(grant_type="client_credentials").status_code


def test_an_assertion_works_once(world, signer, clock):
    """Until it would have expired anyway, at all endpoints together; it is a security event."""
    assertion = signer.assertion(exp=int(clock().timestamp()) + 300)
    assert 200 == signer.prove(assertion).status_code

    assert refused(signer.prove(assertion))
    assert refused(signer.prove(assertion, path="/oauth2/introspect", token="x"))
    clock.advance(359)
    assert refused(signer.prove(assertion))
    assert ["client.assertion_replayed"] * 3 == world.events()


def test_identifiers_are_each_clients_own(world, signer):
    """Nobody can burn another client's jti."""
    other = SigningClient.made(world, "other")

    assert [200, 200] == [client.prove(client.assertion(jti="one")).status_code for client in (signer, other)]


def test_of_twenty_at_once_one_goes_on(signer, at_once):
    """The insert decides."""
    assertion = signer.assertion()

    answers = at_once(20, lambda: signer.prove(assertion).status_code)

    assert [200] + [401] * 19 == sorted(answers)


def test_the_sweep_forgets_what_is_over(app, world, signer, clock):
    """Each row lives as long as its assertion would be accepted."""
    signer.prove()
    with app.app_context():
        clock.advance(119)
        assert {} == sweep.work()
        clock.advance(2)
        assert {"replay": 1} == sweep.work()


def test_published_keys_are_fetched_once(world, elsewhere):
    """And kept for ten minutes."""
    signer = publishing(world, elsewhere, new_key())

    assert [200] * 3 == [signer.prove().status_code for _ in range(3)]
    assert 1 == len(elsewhere.asked)
    assert "application/jwk-set+json, application/json" == elsewhere.asked[0][2]["Accept"]


def test_no_connection_is_held_while_keys_are_fetched(app, world, elsewhere):
    """A slow server of a client's must not empty the pool."""
    signer, held = publishing(world, elsewhere, new_key()), []
    body = elsewhere.answers["/jwks"]

    def answer(_handler):
        with app.app_context():
            held.append(db.engine.pool.checkedout())
        return 200, {}, body

    elsewhere.answers["/jwks"] = answer

    assert 200 == signer.prove().status_code
    assert [0] == held


@pytest.mark.parametrize("kid", ["k2", None])
def test_a_new_key_is_found_by_itself(world, elsewhere, clock, kid):
    """Rotation: an unknown kid, or a signature that fits no key, is worth another look, every ten seconds at most."""
    signer = publishing(world, elsewhere, new_key(kid=kid and "k1"))
    assert 200 == signer.prove().status_code
    signer.key = new_key(kid=kid)
    elsewhere.answers["/jwks"] = json.dumps(key_set(signer.key)).encode()

    assert refused(signer.prove())
    clock.advance(10)
    assert 200 == signer.prove().status_code
    assert 2 == len(elsewhere.asked)


def test_wrong_signatures_do_not_make_us_ask_again_and_again(world, elsewhere, clock):
    """Nobody can use us to burden a client's server."""
    signer, stranger = publishing(world, elsewhere, new_key()), new_key(kid="k9")

    assert all(refused(signer.prove(signer.assertion(key=stranger))) for _ in range(5))
    assert 1 == len(elsewhere.asked)


def test_keys_that_were_taken_back_stop_in_ten_minutes(world, elsewhere, clock):
    signer = publishing(world, elsewhere, new_key())
    assert 200 == signer.prove().status_code
    elsewhere.answers["/jwks"] = json.dumps(key_set(new_key())).encode()

    clock.advance(599)
    assert 200 == signer.prove().status_code
    clock.advance(1)
    assert refused(signer.prove())


def test_a_server_that_is_away_for_a_while_stops_nobody(world, elsewhere, clock):
    """Known keys count for an hour, asked for each ten seconds at most."""
    signer = publishing(world, elsewhere, new_key())
    assert 200 == signer.prove().status_code
    elsewhere.answers["/jwks"] = (500, {}, b"")

    clock.advance(3599)
    assert [200, 200] == [signer.prove().status_code for _ in range(2)]
    assert 2 == len(elsewhere.asked)
    clock.advance(1)
    assert refused(signer.prove())


NO_KEY_SETS = (
        b"", b"[]", b"{}", b"null", b'{"keys": null}', b'{"keys": {}}', b'{"keys": [null, 5, "x", {}, {"kty": 5}]}',
        b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "k1", "x": 5, "y": []}]}', b"\xff", b'{"keys": []' * 1000,
        b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "k1", "x": "AA", "y": "AA", "key_ops": 5}]}',
        (302, {"Location": "https://localhost/jwks"}, b""), (404, {}, b""), b"x" * 70_000,
)  # fmt: skip


def test_what_is_no_key_set_is_a_refusal(world, elsewhere, clock):
    """Nothing, another type, members of other types, redirects, too much."""
    signer = publishing(world, elsewhere, new_key())
    for number, answer in enumerate(NO_KEY_SETS):
        elsewhere.answers["/jwks"] = answer
        clock.advance(10)
        assert refused(signer.prove())
        assert number + 1 == len(elsewhere.asked)


def test_a_slow_server_of_a_client_holds_nobody(world, elsewhere, monkeypatch):
    """Five seconds, here half a one; whoever asks again at once is refused at once."""
    monkeypatch.setattr(fetch, "TIMEOUT", 0.5)
    signer = publishing(world, elsewhere, new_key())
    elsewhere.answers["/jwks"] = servers.dripping
    began = time.monotonic()

    assert all(refused(signer.prove()) for _ in range(3))
    assert time.monotonic() - began < 3
    assert 1 == len(elsewhere.asked)


def test_a_private_key_that_was_published_is_not_used(world, elsewhere):
    """Everybody has it."""
    signer = publishing(world, elsewhere, new_key())
    elsewhere.answers["/jwks"] = json.dumps({"keys": [signer.key.as_dict(private=True)]}).encode()

    assert refused(signer.prove())


def test_an_address_of_this_machine_is_not_asked(app, world, elsewhere):
    """Unless the settings allow it."""
    app.extensions["idp.fetch"] = Fetcher(ca_file=elsewhere.certificate)
    signer = publishing(world, elsewhere, new_key())

    assert refused(signer.prove())
    assert [] == elsewhere.asked


def test_discovery_announces_it(app):
    """RFC 8414 §2."""
    document = app.test_client().get("/.well-known/openid-configuration").json

    for endpoint in ("token", "introspection", "revocation"):
        assert "private_key_jwt" in document[f"{endpoint}_endpoint_auth_methods_supported"]
        found = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert ["ES256", "EdDSA", "PS256", "RS256"] == sorted(found)


def test_an_address_that_fails_sixty_times_a_minute_waits_but_the_right_assertion_always_passes(world, signer, clock):
    """Nobody fills the table of events with one captured assertion, and nobody locks the client out."""
    captured = signer.assertion()
    assert 200 == signer.prove(captured).status_code
    for _ in range(60):
        assert refused(signer.prove(captured))

    answer = signer.prove(captured)

    assert (429, "temporarily_unavailable") == (answer.status_code, answer.json["error"])
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert ["client.assertion_replayed"] * 60 == world.events()
    assert 200 == signer.prove().status_code
    clock.advance(seconds=61)
    assert refused(signer.prove(captured))
