"""What only we read: JWE and HMAC for one purpose."""

import json

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey

from keys import compact, store

LATER = 1_900_003_600


@pytest.fixture
def token(key_set):
    return key_set.seal("sso", {"sid": "s1"}, expires_at=LATER)


@pytest.fixture
def derived(table, kek):
    """The key of purpose `sso`, derived here from the stored secret (RFC 5869)."""
    stored = next(each for each in store.load(table, [kek]) if (each.key.use, each.key.state) == ("enc", "active"))
    return HKDF(SHA256(), length=32, salt=None, info=b"idp seal sso").derive(stored.secret)


def test_round_trip(key_set):
    payload = {"sid": "s1", "name": "søren", "nested": {"a": [1, None, True]}}

    assert payload == key_set.open("sso", key_set.seal("sso", payload, expires_at=LATER))
    assert {} == key_set.open("sso", key_set.seal("sso", {}, expires_at=LATER))


def test_another_library_opens_what_we_seal(key_set, token, derived):
    """`dir` with A256GCM as RFC 7516 has it: joserfc opens it with the derived key."""
    opened = jwe.decrypt_compact(token, OctKey.import_key(derived), algorithms=["dir", "A256GCM"])

    assert {"sid": "s1", "exp": LATER, "purpose": "sso"} == json.loads(opened.plaintext)
    assert {"alg": "dir", "enc": "A256GCM", "typ": "idp-sso+jwe"} == {
        name: value for name, value in opened.headers().items() if name != "kid"
    }


def test_nothing_is_readable_and_nothing_repeats(key_set, token):
    assert b"s1" not in b"".join(compact.b64decode(part.encode()) for part in token.split("."))
    assert token != key_set.seal("sso", {"sid": "s1"}, expires_at=LATER)


def test_one_purpose_does_not_open_for_another(key_set, token):
    assert key_set.open("interaction", token) is None


def test_rewriting_the_header_does_not_move_it(key_set, token):
    """The header is additional data, and each purpose has its own key."""
    other = key_set.seal("interaction", {}, expires_at=LATER).split(".")[0]

    assert key_set.open("interaction", other + token[token.index(".") :]) is None


def test_it_ends_at_its_second(key_set, token, clock):
    clock.time = LATER - 1
    assert {"sid": "s1"} == key_set.open("sso", token)

    clock.time = LATER
    assert key_set.open("sso", token) is None


def resealed(derived, header, claims, kid):
    """What joserfc makes with our own key."""
    named = {"alg": "dir", "enc": "A256GCM", "kid": kid, "typ": "idp-sso+jwe"} | header
    registry = jwe.JWERegistry(strict_check_header=False, algorithms=["dir", "A256GCM", "DEF"])
    return jwe.encrypt_compact(named, json.dumps(claims).encode(), OctKey.import_key(derived), registry=registry)


def kid_of(token):
    return json.loads(compact.b64decode(token.split(".")[0].encode()))["kid"]


def test_purpose_inside_must_agree(key_set, token, derived):
    """The third net, below the header and the derived key."""
    good = resealed(derived, {}, {"exp": LATER, "purpose": "sso", "a": 1}, kid_of(token))
    bad = resealed(derived, {}, {"exp": LATER, "purpose": "interaction", "a": 1}, kid_of(token))

    assert {"a": 1} == key_set.open("sso", good)
    assert key_set.open("sso", bad) is None


@pytest.mark.parametrize(
    "header", [{"zip": "DEF"}, {"typ": "idp-interaction+jwe"}, {"kid": "unknown"}, {"cty": "JWT"}, {"p2c": 1}]
)
def test_only_our_own_header_is_read(key_set, token, derived, header):
    """Sealed with the right key, and still refused: no compression, no other type, nothing unexpected."""
    assert key_set.open("sso", resealed(derived, header, {"exp": LATER, "purpose": "sso"}, kid_of(token))) is None


@pytest.mark.parametrize("part", [1, 2, 3, 4])
@pytest.mark.parametrize("content", ["", "AAAA", "AA", "*", "A" * 22])
def test_every_part_counts(key_set, token, part, content):
    parts = token.split(".")
    if content != parts[part]:
        assert key_set.open("sso", ".".join([*parts[:part], content, *parts[part + 1 :]])) is None


def test_shortened_tag_is_refused(key_set, token):
    """GCM with a short tag would be guessable: 128 bits or nothing."""
    head, tag = token.rsplit(".", 1)

    for length in range(16):
        short = compact.b64encode(compact.b64decode(tag.encode())[:length]).decode()
        assert key_set.open("sso", f"{head}.{short}") is None


def test_bytes_cannot_move_between_ciphertext_and_tag(key_set, token):
    *head, ciphertext, tag = token.split(".")
    joined = compact.b64decode(ciphertext.encode()) + compact.b64decode(tag.encode())
    moved = (compact.b64encode(joined[:-15]).decode(), compact.b64encode(joined[-15:]).decode())

    assert key_set.open("sso", ".".join((*head, *moved))) is None


def test_size_is_limited_both_ways(key_set, monkeypatch):
    """What would not be opened is not sealed either."""
    with pytest.raises(ValueError, match="too large"):
        key_set.seal("sso", {"a": "x" * 6_200}, expires_at=LATER)

    monkeypatch.setattr(compact, "MAX_TOKEN", 10_000)
    large = key_set.seal("sso", {"a": "x" * 6_200}, expires_at=LATER)
    assert key_set.open("sso", large)

    monkeypatch.undo()
    assert key_set.open("sso", large) is None


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_five_parts_or_none(key_set, token, count):
    assert key_set.open("sso", ".".join([*token.split("."), "AAAA"][:count])) is None


def test_what_we_set_cannot_be_given(key_set):
    for name in ("exp", "purpose"):
        with pytest.raises(ValueError, match="ours to set"):
            key_set.seal("sso", {name: 1}, expires_at=LATER)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), char=st.characters())
def test_no_single_character_can_be_changed(key_set, token, at, char):
    at %= len(token)
    if char != token[at]:
        assert key_set.open("sso", token[:at] + char + token[at + 1 :]) is None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_any_text_is_none_and_never_an_error(key_set, text):
    assert key_set.open("sso", text) is None


def test_mac_is_checked_for_its_purpose_key_and_message(key_set):
    kid, mac = key_set.mac("refresh", b"grant 1")

    assert 32 == len(mac)
    assert key_set.check_mac("refresh", kid, b"grant 1", mac)
    assert not key_set.check_mac("refresh", kid, b"grant 2", mac)
    assert not key_set.check_mac("csrf", kid, b"grant 1", mac)
    assert not key_set.check_mac("refresh", "unknown", b"grant 1", mac)
    for other in (b"", mac[:-1], mac + b"\0", bytes(32)):
        assert not key_set.check_mac("refresh", kid, b"grant 1", other)
