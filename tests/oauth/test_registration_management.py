"""Clients that manage themselves: RFC 7592."""

import json

import pytest
from actors import PUBLIC_URL, Client
from signing_client import key_set, new_key

from idp import opaque, passwords
from idp.db import db

GOOD = {"redirect_uris": ["https://app.example/callback"]}


class Managed:
    """A registered client, and how it talks about itself."""

    def __init__(self, app, body):
        self.app, self.body = app, body
        self.client_id, self.token = body["client_id"], body["registration_access_token"]
        self.path = f"/oauth2/register/{self.client_id}"

    def ask(self, method="GET", document=None, token=None, path=None, **changes):
        data = None if document is None else document if isinstance(document, bytes) else json.dumps(document)
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        options = {"headers": headers, "content_type": "application/json", "base_url": PUBLIC_URL, **changes}
        return self.app.test_client(use_cookies=False).open(path or self.path, method=method, data=data, **options)

    def put(self, members=(), **changes):
        return self.ask("PUT", {"client_id": self.client_id, **GOOD, **dict(members)}, **changes)

    def client(self):
        return Client(self.app, self.client_id, self.body.get("client_secret"), redirect_uri=GOOD["redirect_uris"][0])


@pytest.fixture
def register(app, world):
    """Register a client with a fresh initial access token."""

    def made(**members):
        world.execute(
            "INSERT INTO initial_access_token (hash, uses_left, expires_at) VALUES (%(hash)s, 1, 'infinity')",
            hash=opaque.digest(token := opaque.make("iat")),
        )
        headers = {"Authorization": f"Bearer {token}"}
        response = app.test_client().post("/oauth2/register", json={**GOOD, **members}, headers=headers)
        assert 201 == response.status_code, response.text
        return Managed(app, response.json)

    return made


def test_it_reads_itself(register):
    """RFC 7592 §2.1: as it was registered, without the secret, of which only a hash is kept."""
    managed = register(client_name="My App", initiate_login_uri="https://app.example/login")

    response = managed.ask()

    secret = {"client_secret", "client_secret_expires_at"}
    assert 200 == response.status_code
    assert "application/json" == response.content_type
    assert "no-store" == response.headers["Cache-Control"]
    assert {name: value for name, value in managed.body.items() if name not in secret} == response.json


def test_it_replaces_all_its_metadata(register):
    """RFC 7592 §2.2: what is left out is gone, and falls back to its default."""
    managed = register(client_name="Old", contacts=["me@app.example"], scope="openid")

    response = managed.put({"redirect_uris": ["https://new.example/callback"], "client_name": "New"})

    assert (200, "New") == (response.status_code, response.json["client_name"])
    assert ["https://new.example/callback"] == response.json["redirect_uris"]
    assert not {"contacts", "scope", "client_secret"} & response.json.keys()
    assert response.json == managed.ask().json


def test_a_change_counts_at_once(world, browser, register):
    """Here at once, elsewhere within the cache's ten seconds; the secret stays."""
    managed, user = register(), world.user("ada")
    client = managed.client()
    assert user.sub
    browser.authorize(client, user="ada")
    client.redirect_uri = "https://new.example/callback"
    assert 400 == browser.open(client).status_code

    managed.put({"redirect_uris": [client.redirect_uri], "client_secret": managed.body["client_secret"]})

    assert "id_token" in client.tokens(browser)


def test_secrets_follow_the_method(register, world):
    """A client that needs none loses it, one that needs one is told it once."""
    managed = register()
    jwks = key_set(new_key())
    own = managed.put({"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks})
    stored = world.execute("SELECT secret_hashes FROM client")
    again = managed.put({"client_name": "x"})

    assert "client_secret" not in own.json
    assert [([],)] == stored
    assert (43, 0) == (len(again.json["client_secret"]), again.json["client_secret_expires_at"])
    assert again.json["client_secret"] != managed.body["client_secret"]


def test_no_connection_is_held_while_a_secret_is_hashed(app, register, monkeypatch):
    """Made or checked; and in a slot, so that registrations take no processor that the others need."""
    held, allowed = [], app.extensions["idp"].settings.passwords.slots

    def watched(derive):
        def derived(*of):
            running = allowed - passwords.slots("clients")._running._value
            held.append((db.engine.pool.checkedout(), running))
            return derive(*of)

        return derived

    monkeypatch.setattr(passwords, "make", watched(passwords.make))
    monkeypatch.setattr(passwords, "verify", watched(passwords.verify))
    managed = register()
    replaced = managed.put({"client_secret": managed.body["client_secret"]})

    assert 200 == replaced.status_code
    assert [(0, 1)] * 3 == held


WRONG = (
    {"client_id": "other"}, {"client_id": None}, {"client_secret": "wrong"}, {"client_secret": 5},
    {"registration_access_token": "x"}, {"registration_client_uri": "x"}, {"client_id_issued_at": 5},
    {"client_secret_expires_at": 0}, {"redirect_uris": []}, {"redirect_uris": ["x"]}, {"jwks": 5},
    {"software_statement": "a.b.c"},
)  # fmt: skip


def test_a_change_that_is_refused_changes_nothing(register):
    """RFC 7592 §2.2: the same rules as at registration."""
    managed = register(client_name="Old")
    before = managed.ask().json
    for members in WRONG:
        response = managed.put({"client_name": "New", **members})
        assert 400 == response.status_code, members
        assert set(response.json) == {"error", "error_description"}
    for body in (b"", b"[]", b"{", b'{"client_id": "a", "client_id": "b"}'):
        assert 400 == managed.ask("PUT", body).status_code

    assert before == managed.ask().json


def test_it_deletes_itself(world, browser, register):
    """RFC 7592 §2.3: 204, and its secret, grants, tokens and its registration access token are dead."""
    managed, client = register(grant_types=["authorization_code", "refresh_token"]), None
    client = managed.client()
    world.user("ada")
    tokens = client.tokens(browser, user="ada")

    response = managed.ask("DELETE")

    assert (204, b"") == (response.status_code, response.data)
    assert 401 == managed.ask().status_code
    assert 401 == managed.ask("DELETE").status_code
    assert 401 == client.refresh(tokens["refresh_token"]).status_code
    assert 401 == client.userinfo(tokens["access_token"]).status_code
    assert (0, 0, 0) == tuple(world.count(table) for table in ("client", "oauth_grant", "consent"))
    assert {"client.registered", "client.deleted"} <= set(world.events())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_its_own_token_counts(world, client, register, clock, method):
    """Another client's, an initial access token, a secret, none; nor is there one for a declared client."""
    managed, other = register(), register()
    document = {"client_id": managed.client_id, **GOOD} if method == "PUT" else None
    foreign = [other.token, managed.body["client_secret"], managed.token[:-1], managed.token + "x", "rat_x", "\u00e9"]
    answers = [managed.ask(method, document, token) for token in foreign]
    answers += [managed.ask(method, document, path=f"/oauth2/register/{name}") for name in (client.client_id, "nobody")]
    missing = managed.ask(method, document, headers={})
    world.execute("UPDATE client SET disabled_at = now()")
    answers.append(managed.ask(method, document))

    assert {(401, "invalid_token")} == {(answer.status_code, answer.json["error"]) for answer in answers}
    assert (401, "Bearer") == (missing.status_code, missing.headers["WWW-Authenticate"])
    assert 3 == world.count("client")


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS"])
def test_other_methods_do_not_exist(register, method):
    """Each route has its methods; the registration endpoint itself has POST alone."""
    managed = register()

    assert 405 == managed.ask(method).status_code
    assert 405 == managed.ask("GET", path="/oauth2/register").status_code
    assert 404 == managed.ask("GET", path=f"{managed.path}/x").status_code
