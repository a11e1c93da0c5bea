"""Tokens that are bound to a key (RFC 9449): only who holds it gets in, once a proof, where the proof was made for."""

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from fake_idp import AUDIENCE, NOW, FakeIdP, compact, new_key
from flask import Flask, g
from flask.testing import FlaskClient
from joserfc.jwk import Key, OctKey, RSAKey
from joserfc.util import urlsafe_b64encode
from werkzeug.datastructures import Headers

from resource_server import Unavailable, protect, require_scope
from resource_server.dpop import Remembered

URL = f"{AUDIENCE}/reports"


class Holder:
    """A client with a key, and a token that is bound to it."""

    def __init__(self, idp: FakeIdP, alg: str = "ES256", key: Key | None = None) -> None:
        self.alg, self.key = alg, key or new_key(alg, "k")
        self.token = idp.token(scope="reports:read", cnf={"jkt": self.key.thumbprint()})
        self.made = 0

    def proof(self, *, header: Mapping[str, Any] | None = None, key: Key | None = None, **changes: object) -> str:
        """A proof for GET URL with the token; a claim or parameter changed to `...` is left out."""
        self.made += 1
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": public(self.key), **(header or {})}
        claims = {
            "jti": f"{self.made}",
            "htm": "GET",
            "htu": URL,
            "iat": NOW,
            "ath": urlsafe_b64encode(hashlib.sha256(self.token.encode()).digest()).decode(),
            **changes,
        }
        signed_by = key or self.key
        return compact(kept(head), kept(claims), signed_by)

    def headers(self, proof: str | None = None, scheme: str = "DPoP") -> dict[str, str]:
        return {"Authorization": f"{scheme} {self.token}", "DPoP": proof or self.proof()}


def public(key: Key) -> dict[str, Any]:
    found = key.as_dict(private=False)
    return {name: found[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in found}


def kept(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}


def application(idp: FakeIdP, **settings: Any) -> FlaskClient:
    app = Flask(__name__)
    protect(app, idp.server(**settings))

    @app.route("/reports", methods=["GET", "PUT"])
    @require_scope("reports:read")
    def reports() -> Mapping[str, str]:
        return {"sub": g.principal.sub}

    return app.test_client()


@pytest.fixture
def idp() -> FakeIdP:
    return FakeIdP()


@pytest.fixture
def client(idp: FakeIdP) -> FlaskClient:
    return application(idp)


@pytest.fixture
def holder(idp: FakeIdP) -> Holder:
    return Holder(idp)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
def test_good_proof_opens(idp: FakeIdP, client: FlaskClient, alg: str) -> None:
    assert {"sub": "ada"} == client.get("/reports", headers=Holder(idp, alg).headers()).json


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "dPoP", "DPOP"])
def test_scheme_in_any_case(client: FlaskClient, holder: Holder, scheme: str) -> None:
    """RFC 9110 §11.1."""
    assert 200 == client.get("/reports", headers=holder.headers(scheme=scheme)).status_code


@pytest.mark.parametrize(
    "changes",
    [
        {"htu": f"{URL}?page=2#top"},
        {"htu": "HTTPS://DATA.example/reports"},
        {"htu": "https://data.example:443/reports"},
        {"htu": "https://data.example/%72eports"},
        {"iat": NOW - 60},
        {"iat": NOW + 60},
        {"iat": NOW + 0.5},
        {"exp": NOW - 1000, "nbf": NOW + 1000, "unknown": {}},
    ],
)
def test_what_does_not_matter(client: FlaskClient, holder: Holder, changes: dict[str, object]) -> None:
    """RFC 9449 §4.3: query and fragment are ignored, URLs are normalised, what is unknown is no error."""
    assert 200 == client.get("/reports", headers=holder.headers(holder.proof(**changes))).status_code


CLAIMS: dict[str, dict[str, object]] = {
    "no jti": {"jti": ...},
    "an empty jti": {"jti": ""},
    "a jti that is a number": {"jti": 7},
    "no htm": {"htm": ...},
    "another method": {"htm": "PUT"},
    "the method in small letters": {"htm": "get"},
    "no htu": {"htu": ...},
    "a htu in a list": {"htu": [URL]},
    "another host": {"htu": "https://other.example/reports"},
    "another scheme": {"htu": "http://data.example/reports"},
    "another port": {"htu": "https://data.example:8443/reports"},
    "a port that is none": {"htu": "https://data.example:x/reports"},
    "another path": {"htu": f"{URL}/1"},
    "a path with a slash more": {"htu": f"{URL}/"},
    "no iat": {"iat": ...},
    "an old one": {"iat": NOW - 61},
    "one of the future": {"iat": NOW + 61},
    "iat as text": {"iat": str(NOW)},
    "iat true": {"iat": True},
    "iat that is no number": {"iat": float("nan")},
    "iat beyond every clock": {"iat": 10**400},
    "iat before every clock": {"iat": -(10**400)},
    "a user in htu": {"htu": "https://ada:pw@data.example/reports"},
    "a tab in htu": {"htu": "https://data.example/rep\torts"},
    "a path that is decoded twice": {"htu": "https://data.example/%2572eports"},
    "no ath": {"ath": ...},
    "the hash of another token": {"ath": urlsafe_b64encode(hashlib.sha256(b"other").digest()).decode()},
}

HEADERS: dict[str, dict[str, object]] = {
    "no typ": {"typ": ...},
    "another typ": {"typ": "JWT"},
    "no alg": {"alg": ...},
    "alg none": {"alg": "none"},
    "an alg that is not offered": {"alg": "RS512"},
    "an alg in a list": {"alg": ["ES256"]},
    "no jwk": {"jwk": ...},
    "a jwk as text": {"jwk": "{}"},
    "an empty jwk": {"jwk": {}},
    "a point that is not on the curve": {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    "a key of another kind": {"jwk": public(new_key("EdDSA", "k"))},
    "a secret": {"jwk": OctKey.generate_key(256).as_dict()},
    "crit": {"crit": ["exp"]},
    "b64": {"b64": False},
}


def refused(answer: Any, error: str = "invalid_dpop_proof") -> bool:
    """RFC 9449 §7.1: 401 with a DPoP challenge that lists the algorithms."""
    challenge = answer.headers["WWW-Authenticate"]
    return (
        answer.status_code == 401
        and challenge.startswith(f'DPoP error="{error}"')
        and 'algs="ES256 EdDSA PS256 RS256"' in challenge
    )


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS)
def test_claims_that_are_refused(client: FlaskClient, holder: Holder, changes: dict[str, object]) -> None:
    assert refused(client.get("/reports", headers=holder.headers(holder.proof(**changes))))


@pytest.mark.parametrize("path", ["/files/a%3Fb", "/files/a%23b", "/files/%2541", "/files/a%252Fb"])
def test_a_path_is_decoded_once(idp: FakeIdP, holder: Holder, path: str) -> None:
    """A proof for one resource is none for another, and the right one counts, whatever characters a name has."""
    app = Flask(__name__)
    protect(app, idp.server())

    @app.get("/files/<path:name>")
    @require_scope("reports:read")
    def file(name: str) -> Mapping[str, str]:
        return {"name": name}

    client, once = app.test_client(), unquote(path)

    assert 200 == client.get(path, headers=holder.headers(holder.proof(htu=AUDIENCE + path))).status_code
    assert refused(client.get(path, headers=holder.headers(holder.proof(htu=AUDIENCE + once))))


@pytest.mark.parametrize("changes", HEADERS.values(), ids=HEADERS)
def test_headers_that_are_refused(client: FlaskClient, holder: Holder, changes: dict[str, object]) -> None:
    signed = holder.proof()
    if changes.get("alg") in (..., "none", ["ES256"]):
        # A signature that nobody can make is left as it was.
        head = urlsafe_b64encode(json.dumps(kept({"typ": "dpop+jwt", "jwk": public(holder.key), **changes})).encode())
        proof = head.decode() + signed[signed.index(".") :]
    else:
        key = new_key("RS512", "r") if changes.get("alg") == "RS512" else None
        proof = holder.proof(header=changes, key=key)

    assert refused(client.get("/reports", headers=holder.headers(proof)))


def test_private_key_in_the_proof(client: FlaskClient, holder: Holder) -> None:
    """RFC 9449 §4.3, item 7."""
    proof = holder.proof(header={"jwk": holder.key.as_dict(private=True)})

    assert refused(client.get("/reports", headers=holder.headers(proof)))


@pytest.mark.parametrize("proof", ["", "x", "a.b", "a.b.c", "e30.e30.AA", "x" * 9000])
def test_what_is_no_proof(client: FlaskClient, holder: Holder, proof: str) -> None:
    assert refused(client.get("/reports", headers=holder.headers() | {"DPoP": proof}))


def test_signature_of_another_key(client: FlaskClient, holder: Holder) -> None:
    proof = holder.proof(key=new_key("ES256", "other"))

    assert refused(client.get("/reports", headers=holder.headers(proof)))


# Without this the warning alone would refuse the key.
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_weak_key(idp: FakeIdP, client: FlaskClient) -> None:
    weak = Holder(idp, "PS256", RSAKey.import_key(generate_private_key(65537, 1024)))

    assert refused(client.get("/reports", headers=weak.headers()))


def test_proof_by_another_key_than_the_token_is_bound_to(idp: FakeIdP, client: FlaskClient, holder: Holder) -> None:
    thief = Holder(idp)
    thief.token = holder.token

    assert refused(client.get("/reports", headers=thief.headers()), "invalid_token")


@pytest.mark.parametrize("number", [0, 2])
def test_one_proof_exactly(client: FlaskClient, holder: Holder, number: int) -> None:
    """RFC 9449 §4.3, item 1."""
    headers = Headers([("Authorization", f"DPoP {holder.token}")] + [("DPoP", holder.proof()) for _ in range(number)])

    assert refused(client.get("/reports", headers=headers))


def test_two_proofs_that_a_server_joined(client: FlaskClient, holder: Holder) -> None:
    assert refused(client.get("/reports", headers=holder.headers(f"{holder.proof()},{holder.proof()}")))


def test_proof_works_once(client: FlaskClient, holder: Holder) -> None:
    headers = holder.headers()

    assert 200 == client.get("/reports", headers=headers).status_code
    assert refused(client.get("/reports", headers=headers))
    assert 200 == client.get("/reports", headers=holder.headers()).status_code


def test_bound_token_as_a_bearer_token(client: FlaskClient, holder: Holder) -> None:
    """RFC 9449 §7.2: with or without its proof."""
    for headers in (holder.headers(scheme="Bearer"), {"Authorization": f"Bearer {holder.token}"}):
        answer = client.get("/reports", headers=headers)

        assert 401 == answer.status_code
        assert 'Bearer error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_token_that_is_not_bound_under_the_scheme_dpop(idp: FakeIdP, client: FlaskClient, holder: Holder) -> None:
    holder.token = idp.token(scope="reports:read")

    assert refused(client.get("/reports", headers=holder.headers()), "invalid_token")


def test_a_request_that_tried_nothing_learns_of_both_schemes(client: FlaskClient) -> None:
    schemes = [value.partition(" ")[0] for value in client.get("/reports").headers.getlist("WWW-Authenticate")]

    assert ["Bearer", "DPoP"] == schemes


def test_introspected_tokens_are_bound_too(idp: FakeIdP, holder: Holder) -> None:
    """RFC 9449 §6.2."""
    claims = idp.claims(active=True, token_type="DPoP", scope="reports:read", cnf={"jkt": holder.key.thumbprint()})
    idp.introspection = (200, claims)
    client = application(idp, check="introspect", client_id="reports", client_secret="s")
    holder.token = "opaque"

    assert 200 == client.get("/reports", headers=holder.headers()).status_code
    assert refused(client.get("/reports", headers=holder.headers(holder.proof(ath=...))))


def test_a_server_may_ask_for_bound_tokens_only(idp: FakeIdP, holder: Holder) -> None:
    """RFC 9728 §2 announces it."""
    client = application(idp, bound_only=True)
    free = {"Authorization": f"Bearer {idp.token(scope='reports:read')}"}

    assert refused(client.get("/reports", headers=free), "invalid_token")
    assert 200 == client.get("/reports", headers=holder.headers()).status_code
    assert client.get("/.well-known/oauth-protected-resource").json["dpop_bound_access_tokens_required"]


class TestMemory:
    """Proofs that one process has seen."""

    def test_of_many_at_once_one_is_the_first(self) -> None:
        memory, found = Remembered(lambda: NOW), []
        ready = threading.Barrier(20)

        def come() -> None:
            ready.wait()
            found.append(memory.first(b"proof", NOW + 60))

        threads = [threading.Thread(target=come) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [True] == [first for first in found if first]

    def test_it_forgets_what_could_not_be_used_anyway(self) -> None:
        time = NOW
        memory = Remembered(lambda: time, most=2)
        assert [True, True] == [memory.first(name, NOW + 120) for name in (b"1", b"2")]

        time = NOW + 121

        assert memory.first(b"3", time + 60)

    def test_when_it_is_full_it_says_so_instead_of_forgetting(self) -> None:
        memory = Remembered(lambda: NOW, most=1)
        memory.first(b"1", NOW + 60)

        with pytest.raises(Unavailable):
            memory.first(b"2", NOW + 60)
