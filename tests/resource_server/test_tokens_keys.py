"""The IdP's documents: fetched late, kept long, asked for rarely, and missed as little as possible."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_idp import ISSUER, FakeIdP, compact, new_key

from resource_server import InvalidToken, ResourceServer, Unavailable, signing_key

JWKS = "/oauth2/jwks"
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def idp() -> FakeIdP:
    return FakeIdP()


@pytest.fixture
def server(idp: FakeIdP) -> ResourceServer:
    return idp.server()


def signed_with(idp: FakeIdP, kid: str) -> str:
    return compact({"typ": "at+jwt", "alg": "ES256", "kid": kid}, idp.claims(), idp.keys[kid])


def test_nothing_is_fetched_before_the_first_token(idp: FakeIdP, server: ResourceServer) -> None:
    assert [] == idp.asked
    for _ in range(3):
        server.verify(idp.token())
    assert [JWKS, DISCOVERY] == sorted(idp.asked, reverse=True)


def test_requests_at_the_same_time_share_one_fetch(idp: FakeIdP) -> None:
    """At the start, and when all of them bring the same new key."""
    together = threading.Barrier(8)

    def fetch(url: str, **options: str) -> tuple[int, bytes]:
        time.sleep(0.02)  # the others arrive meanwhile
        return idp.fetch(url)

    def verify(token: str) -> str:
        together.wait()
        return server.verify(token).sub

    server = idp.server(fetch=fetch)
    with ThreadPoolExecutor(8) as pool:
        assert ["ada"] * 8 == list(pool.map(verify, [idp.token()] * 8))
        assert 1 == idp.asked.count(JWKS)

        idp.now += 1
        idp.keys["k2"] = new_key("ES256", "k2")
        assert ["ada"] * 8 == list(pool.map(verify, [signed_with(idp, "k2")] * 8))
        assert 2 == idp.asked.count(JWKS)


def test_new_key_is_found_at_once(idp: FakeIdP, server: ResourceServer) -> None:
    server.verify(idp.token())
    idp.now += 1
    idp.keys["k2"] = new_key("ES256", "k2")

    assert "ada" == server.verify(signed_with(idp, "k2")).sub


def test_unknown_keys_cost_one_fetch_a_minute(idp: FakeIdP, server: ResourceServer) -> None:
    server.verify(idp.token())
    for second in range(1, 121):
        idp.now += 1
        with pytest.raises(InvalidToken):
            server.verify(idp.token(header={"kid": f"made-up-{second}"}))
    assert 1 + 2 == idp.asked.count(JWKS)


def test_first_token_with_an_unknown_key_costs_one_fetch(idp: FakeIdP, server: ResourceServer) -> None:
    with pytest.raises(InvalidToken):
        server.verify(idp.token(header={"kid": "made-up"}))
    assert 1 == idp.asked.count(JWKS)


def test_withdrawn_key_is_forgotten_within_ten_minutes(idp: FakeIdP, server: ResourceServer) -> None:
    token = idp.token(exp=idp.now + 3600)
    server.verify(token)
    idp.keys = {"k2": new_key("ES256", "k2")}
    idp.now += 600

    with pytest.raises(InvalidToken):
        server.verify(token)


def test_key_may_be_replaced_under_its_name(idp: FakeIdP, server: ResourceServer) -> None:
    """What the old one had verified is forgotten with it."""
    token = idp.token(exp=idp.now + 3600)
    server.verify(token)
    idp.keys["k1"] = new_key("ES256", "k1")
    idp.now += 600

    with pytest.raises(InvalidToken):
        server.verify(token)


def test_remembered_signature_covers_the_same_bytes_only(idp: FakeIdP, server: ResourceServer) -> None:
    header, payload, signature = idp.token().split(".")
    server.verify(f"{header}.{payload}.{signature}")
    other = idp.token(sub="olga").split(".")[1]

    for token in (f"{header}.{other}.{signature}", f"{header}.{payload}.{idp.token().split('.')[2][:-4]}AAAA"):
        with pytest.raises(InvalidToken):
            server.verify(token)


def test_remembered_signature_does_not_outlive_the_token(idp: FakeIdP, server: ResourceServer) -> None:
    token = idp.token()
    server.verify(token)
    idp.now += 330

    with pytest.raises(InvalidToken):
        server.verify(token)


def test_keys_outlast_an_idp_that_is_away(idp: FakeIdP, server: ResourceServer) -> None:
    server.verify(idp.token())
    idp.away = True
    for _ in range(10):
        idp.now += 3600
        assert "ada" == server.verify(idp.token()).sub


def test_idp_that_is_away_is_asked_once_a_minute(idp: FakeIdP, server: ResourceServer) -> None:
    """A fetch may take 5 s: not every request may pay for it."""
    server.verify(idp.token())
    idp.away = True
    idp.now += 600
    for _ in range(120):
        server.verify(idp.token())
        idp.now += 1
    assert 1 + 2 == idp.asked.count(JWKS) == idp.asked.count(DISCOVERY)


def test_without_any_key_nobody_can_tell(idp: FakeIdP, server: ResourceServer) -> None:
    idp.away = True
    with pytest.raises(Unavailable):
        server.verify(idp.token())

    idp.away = False
    idp.now += 1
    assert "ada" == server.verify(idp.token()).sub


def test_waiting_requests_do_not_queue_for_an_idp_that_is_away(idp: FakeIdP, server: ResourceServer) -> None:
    idp.away = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            server.verify(idp.token())
    assert 1 == len(idp.asked)


BROKEN: dict[str, Callable[[FakeIdP], object]] = {
    "another issuer": lambda idp: idp.discovery.update(issuer=ISSUER + "/"),
    "no issuer": lambda idp: idp.discovery.pop("issuer"),
    "no jwks_uri": lambda idp: idp.discovery.pop("jwks_uri"),
    "a plain jwks_uri": lambda idp: idp.discovery.update(jwks_uri="http://idp.example/oauth2/jwks"),
    "a local file": lambda idp: idp.discovery.update(jwks_uri="file:///etc/passwd"),
    "a jwks_uri that is no string": lambda idp: idp.discovery.update(jwks_uri=[ISSUER]),
    "a jwks_uri that is not there": lambda idp: idp.discovery.update(jwks_uri=f"{ISSUER}/gone"),
    "a key set that is none": lambda idp: idp.discovery.update(jwks_uri=ISSUER + DISCOVERY),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN.keys())
def test_broken_documents_are_no_answer(
    idp: FakeIdP, server: ResourceServer, spoil: Callable[[FakeIdP], object]
) -> None:
    spoil(idp)
    with pytest.raises(Unavailable):
        server.verify(idp.token())


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_answer_that_is_no_json_object_is_no_answer(idp: FakeIdP, body: bytes) -> None:
    server = idp.server(fetch=lambda url, **_: (200, body))
    with pytest.raises(Unavailable):
        server.verify(idp.token())


def test_a_key_that_is_not_understood_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """An operator who misses a key finds out which, in one line whatever it is called."""
    assert signing_key.read({"kty": "XYZ", "kid": "next\nyear"}) is None
    assert signing_key.read([]) is None  # type: ignore[arg-type]

    assert [r"kid 'next\nyear'", "kid None"] == [line.split(": ")[1].split(", ")[0] for line in caplog.messages]


def test_strange_keys_in_the_set_are_passed_over(idp: FakeIdP) -> None:
    """RFC 7517 §5: what is not understood is ignored."""
    strange = [
        7,
        "text",
        {},
        {"kty": "AKP", "kid": "q"},
        {"kty": "EC", "kid": "e", "crv": "P-256"},
        {"kty": "EC", "crv": 3},
        {"kty": "RSA", "n": 1, "e": "AQAB", "kid": "r"},
        {"kty": "OKP", "crv": "X", "x": "AA", "kid": "o"},
        {"kty": ["EC"]},
    ]
    real = idp.fetch

    def fetch(url: str, **options: str) -> tuple[int, bytes]:
        status, body = real(url)
        return status, body.replace(
            b'{"keys": [', b'{"keys": [' + repr(strange)[1:-1].replace("'", '"').encode() + b","
        )

    assert "ada" == idp.server(fetch=fetch).verify(idp.token()).sub
