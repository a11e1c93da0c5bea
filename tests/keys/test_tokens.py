"""Signed tokens: what another library makes of ours, and what we refuse of everybody's."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import KeySet as PublicKeys

from keys import BadToken, KeySet, Policy, compact, store
from keys.jws import SigningKey

ES256 = {"algorithms": ["ES256"], "typ": ["at+jwt"]}


@pytest.fixture(params=["ES256", "RS256", "PS256", "EdDSA"])
def alg(request):
    return request.param


@pytest.fixture
def signing(connection, connect, kek, clock, alg):
    """A key set that keeps `alg` alone."""
    policy = Policy(signing=(alg,))
    store.apply(connection, [kek], policy, clock())
    key_set = KeySet(connect, [kek], policy, clock)
    key_set.refresh()
    return key_set


@pytest.fixture
def token(key_set):
    return key_set.sign({"sub": "ada"}, alg="ES256", typ="at+jwt")


@pytest.fixture
def forge(table, kek):
    """Sign any header and payload with our own active ES256 key: what only the checks before the claims can refuse."""
    stored = next(each for each in store.load(table, [kek]) if (each.key.alg, each.key.state) == ("ES256", "active"))
    key = SigningKey(stored.key.kid, "ES256", {}, stored.secret)

    def forged(header=None, payload=b"{}", *, raw=None):
        named = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"} | (header or {})
        encoded = base64.urlsafe_b64encode(raw or json.dumps(named).encode()).rstrip(b"=")
        signing_input = encoded + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
        signature = key._algorithm.sign(key._private, signing_input)
        return (signing_input + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    forged.kid = key.kid
    return forged


def refused(key_set, token, match=None, **accepted):
    with pytest.raises(BadToken, match=match):
        key_set.verify(token, **{**ES256, **accepted})


# RFC 9864 renames EdDSA to Ed25519; OpenID Connect clients still register the old name.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_another_library_verifies_what_we_sign(signing, alg):
    """A token verifies with joserfc and nothing but our JWKS."""
    token = signing.sign({"sub": "søren"}, alg=alg, typ="at+jwt")

    verified = jws.deserialize_compact(token, PublicKeys.import_key_set(signing.public()), algorithms=[alg])

    assert b'{"sub":"s\\u00f8ren"}' == verified.payload
    assert {"alg", "kid", "typ"} == verified.headers().keys()
    assert (alg, "at+jwt") == (verified.headers()["alg"], verified.headers()["typ"])


def test_we_verify_what_we_sign(signing, alg):
    claims = {"sub": "søren", "aud": ["a", "b"], "n": 1.5, "nested": {"on": True, "off": None}}

    assert claims == signing.verify(signing.sign(claims, alg=alg), algorithms=[alg], typ=[None])


def test_forging_helper_makes_good_tokens(key_set, forge):
    """Otherwise the refusals below would prove nothing."""
    assert {"a": 1} == key_set.verify(forge(payload=b'{"a": 1}'), **ES256)


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": True},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://evil.example"},
        {"x5u": "https://evil.example"},
        {"x5c": ["MII"]},
        {"zip": "DEF"},
        {"typ": ["at+jwt"]},
        {"kid": ["a"]},
        {"kid": None},
        {"kid": {}},
        {"alg": 1},
    ],
)
def test_header_that_is_not_ours_is_refused(key_set, forge, header):
    """Even with a good signature: a header says which key, and nothing else (RFC 8725 §3.10)."""
    refused(key_set, forge(header), "not one of ours|the header has")


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS256", "ES384", ""])
def test_header_cannot_choose_the_algorithm(key_set, forge, alg):
    """The key has one algorithm (RFC 8725 §3.1), whatever the caller accepts."""
    refused(key_set, forge({"alg": alg}), "not the key's", algorithms=[alg, "ES256"])


def test_algorithm_must_be_one_that_the_caller_accepts(key_set, token):
    refused(key_set, token, "not the key's", algorithms=["RS256"])


def test_public_key_is_no_shared_secret(key_set):
    """The classic confusion: HMAC under the published key."""
    published = next(key for key in key_set.public()["keys"] if key["alg"] == "RS256")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": published["kid"]}).encode()).rstrip(b"=")

    refused(key_set, header.decode() + ".e30.AAAA", "not the key's", algorithms=["HS256", "RS256"], typ=[None])


def test_rsa_key_does_not_change_its_padding(key_set):
    token = key_set.sign({}, alg="RS256")
    header = json.loads(compact.b64decode(token.split(".")[0].encode()))
    changed = compact.b64encode(compact.dump(header | {"alg": "PS256"})).decode()

    refused(key_set, changed + token[token.index(".") :], "not the key's", algorithms=["RS256", "PS256"], typ=[None])


def test_unsigned_token_is_refused(key_set, token):
    refused(key_set, token[: token.rindex(".") + 1], "signature")


@pytest.mark.parametrize("kid", ["", "unknown", "\ud800"])
def test_unknown_kid_is_refused(key_set, forge, kid):
    refused(key_set, forge({"kid": kid}), "kid is unknown")


def test_another_keys_kid_is_refused(key_set, forge):
    """The kid of `next`: of the right type and algorithm, but it did not sign."""
    successor = next(k["kid"] for k in key_set.public()["keys"] if k["alg"] == "ES256" and k["kid"] != forge.kid)

    refused(key_set, forge({"kid": successor}), "signature")


@pytest.mark.parametrize("typ", [["JWT"], [None], ["logout+jwt", None], []])
def test_another_typ_is_refused(key_set, token, typ):
    """An access token is no ID token and no logout token (RFC 8725 §3.11)."""
    refused(key_set, token, "typ", typ=typ)


def test_absent_typ_must_be_accepted_explicitly(key_set):
    token = key_set.sign({}, alg="ES256")

    refused(key_set, token, "typ")
    assert {} == key_set.verify(token, algorithms=["ES256"], typ=["at+jwt", None])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'"x"',
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"sub": "a", "sub": "b"}',
        b'{"x": {"a": 1, "a": 2}}',
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        b"[" * 5_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
)
def test_payload_is_one_unambiguous_json_object(key_set, forge, payload):
    refused(key_set, forge(payload=payload), "JSON|repeated")


@pytest.mark.parametrize("header", [b"[]", b"{", b'{"alg": "ES256", "alg": "ES256"}', b"\xff", b"[" * 700])
def test_header_is_one_unambiguous_json_object(key_set, forge, header):
    refused(key_set, forge(raw=header), "JSON|repeated")


def test_repeated_kid_in_the_header_is_refused(key_set, forge):
    raw = f'{{"alg": "ES256", "typ": "at+jwt", "kid": "x", "kid": "{forge.kid}"}}'.encode()

    refused(key_set, forge(raw=raw), "repeated")


def test_size_is_limited_before_anything_is_decoded(key_set, forge, monkeypatch):
    """8 KiB, and 1 KiB for the header; a good signature does not help."""
    long = forge(payload=json.dumps({"a": "x" * 7_000}).encode())
    long_header = forge(raw=json.dumps({"alg": "ES256", "kid": forge.kid, "typ": "at+jwt"}).encode() + b" " * 800)
    monkeypatch.setattr(compact, "b64decode", lambda _: pytest.fail("decoded"))

    refused(key_set, long, "too long")
    refused(key_set, long_header, "header is too long")


def test_eight_kibibytes_are_accepted(key_set):
    token = key_set.sign({"a": "x" * 5_900}, alg="ES256", typ="at+jwt")

    assert 7_900 < len(token) <= 8_192
    assert key_set.verify(token, **ES256)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "...", "a.b", "a.b.c.d", "é.é.é", "e30.e30.e30", "\0.\0.\0", "a b.c.d"]
)
def test_what_is_no_token_is_refused(key_set, text):
    refused(key_set, text)


def test_trailing_bits_are_refused(key_set, token):
    """64 bytes leave 4 spare bits in the last of 86 characters: the other 15 spellings are not accepted."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token[-1])

    assert 0 == last % 16
    for spare in range(1, 16):
        refused(key_set, token[:-1] + alphabet[last + spare], "canonical")


@pytest.mark.parametrize("tail", ["=", "==", "\n", " ", "A", "+", "/", "*"])
def test_other_spellings_are_refused(key_set, token, tail):
    refused(key_set, token + tail, "base64url|signature")


@pytest.mark.parametrize(("ours", "other"), [("-", "+"), ("_", "/")])
def test_standard_alphabet_is_refused(key_set, forge, ours, other):
    """The same bytes in RFC 4648 §4's alphabet."""
    token = next(token for token in (forge() for _ in range(200)) if ours in token.rsplit(".", 1)[1])
    head, signature = token.rsplit(".", 1)

    refused(key_set, f"{head}.{signature.replace(ours, other)}", "base64url")


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\0" * 63, b"\0" * 65, b"\xff" * 64])
def test_es256_signature_is_64_bytes_that_fit(key_set, token, signature):
    refused(key_set, token.rsplit(".", 1)[0] + "." + compact.b64encode(signature).decode(), "signature")


def test_es256_numbers_have_one_length(key_set, token):
    """A zero before S changes no number, and would be a second spelling of the signature."""
    head, signature = token.rsplit(".", 1)
    raw = compact.b64decode(signature.encode())

    refused(key_set, f"{head}.{compact.b64encode(raw[:32] + bytes(1) + raw[32:]).decode()}", "signature")


def test_der_signature_is_refused(key_set, token):
    """ECDSA in JWS is R || S (RFC 7518 §3.4)."""
    head, signature = token.rsplit(".", 1)
    raw = compact.b64decode(signature.encode())
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))

    refused(key_set, f"{head}.{compact.b64encode(der).decode()}", "signature")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), char=st.characters())
def test_no_single_character_can_be_changed(key_set, token, at, char):
    at %= len(token)
    if char != token[at]:
        refused(key_set, token[:at] + char + token[at + 1 :])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(0, 10_000))
def test_no_truncation_verifies(key_set, token, length):
    refused(key_set, token[: length % len(token)])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_any_text_is_refused_and_never_an_error(key_set, text):
    refused(key_set, text)


def test_lone_surrogate_in_a_claim_is_no_error(key_set):
    """It can come in through JSON escapes; it goes out as one."""
    assert {"n": "\ud800"} == key_set.verify(key_set.sign({"n": "\ud800"}, alg="ES256", typ="at+jwt"), **ES256)
