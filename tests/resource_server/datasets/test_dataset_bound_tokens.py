"""Tokens that are bound to their sender, at the dataset service: what one process has seen counts in all."""

import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from dataset_world import AUDIENCE, Person, World
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode
from sqlalchemy import text

from resource_server.datasets.app import create_app

Proof = Callable[..., dict[str, str]]


@pytest.fixture
def key() -> ECKey:
    return ECKey.generate_key("P-256")


@pytest.fixture
def ines(world: World, key: ECKey) -> Person:
    """Her token is bound to the key."""
    return world.person("ines", cnf={"jkt": key.thumbprint()})


@pytest.fixture
def proof(world: World, ines: Person, key: ECKey) -> Proof:
    """The headers of a request with a proof."""

    def made(jti: str, path: str = "/datasets", method: str = "GET") -> dict[str, str]:
        claims = {
            "jti": jti,
            "htm": method,
            "htu": AUDIENCE + path,
            "iat": int(world.now),
            "ath": urlsafe_b64encode(hashlib.sha256(ines.token.encode()).digest()).decode(),
        }
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
        signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()) for part in (header, claims))
        signature = urlsafe_b64encode(JWSRegistry.algorithms["ES256"].sign(signed, key))
        return {"Authorization": f"DPoP {ines.token}", "DPoP": (signed + b"." + signature).decode()}

    return made


def test_with_a_proof_for_each_request_everything_works(ines: Person, proof: Proof) -> None:
    made = ines.post("/datasets", {"name": "Wind"}, headers=proof("1", method="POST"))

    assert 201 == made.status_code
    path = f"/datasets/{made.json['id']}"
    assert "Wind" == ines.get(path, headers=proof("2", path)).json["name"]


def test_without_one_nothing_does(ines: Person) -> None:
    assert 401 == ines.get("/datasets").status_code
    assert 401 == ines.get("/datasets", headers={"Authorization": f"DPoP {ines.token}"}).status_code


def test_a_proof_that_another_process_has_seen_is_refused(world: World, ines: Person, proof: Proof) -> None:
    """RFC 9449 §11.1."""
    other = create_app(world.settings, fetch=world.idp.fetch, clock=lambda: world.now)
    headers = proof("1")
    assert 200 == other.test_client().get("/datasets", headers=headers).status_code

    assert 401 == ines.get("/datasets", headers=headers).status_code
    other.extensions["datasets"].database.engine.dispose()


def test_of_twenty_at_once_one_passes(ines: Person, proof: Proof) -> None:
    headers = proof("1")
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: ines.get("/datasets", headers=headers).status_code, range(20)))

    assert [200] + [401] * 19 == sorted(found)


def test_old_proofs_are_taken_away_by_new_ones(world: World, ines: Person, proof: Proof) -> None:
    for number in range(3):
        ines.get("/datasets", headers=proof(f"{number}"))
    world.now += 121

    ines.get("/datasets", headers=proof("new"))

    with world.service.database.engine.begin() as connection:
        assert 1 == connection.execute(text("SELECT count(*) FROM datasets.proof")).scalar()


def test_the_service_may_ask_for_bound_tokens_and_believe_a_proxy_about_certificates(world: World) -> None:
    settings = world.settings.model_copy(
        update={"bound_tokens_only": True, "certificate_header": "Client-Cert", "proxies": ("127.0.0.1",)}
    )
    app = create_app(settings, fetch=world.idp.fetch, clock=lambda: world.now)
    der = b"a certificate"
    x5t = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    bound, free = world.person("ines", cnf={"x5t#S256": x5t}), world.person("ines")

    def status(person: Person, **headers: str) -> int:
        return Person(app, person.token).get("/datasets", headers=headers).status_code

    assert 200 == status(bound, **{"Client-Cert": f":{base64.b64encode(der).decode()}:"})
    assert [401, 401] == [status(bound), status(free)]
    metadata = app.test_client().get("/.well-known/oauth-protected-resource").json
    assert metadata["tls_client_certificate_bound_access_tokens"]
    assert ["dataset"] == metadata["authorization_details_types_supported"]
    app.extensions["datasets"].database.engine.dispose()
