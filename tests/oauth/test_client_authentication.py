"""Client authentication: RFC 6749 §2.3, §3.2.1, §5.2; limits for guessing secrets."""

import base64

import pytest
from actors import PUBLIC_URL, Client

from idp.clients import secrets
from idp.passwords import Slots


def basic(pair):
    return {"Authorization": "Basic " + base64.b64encode(pair if isinstance(pair, bytes) else pair.encode()).decode()}


def post(client, form=(), headers=(), query=""):
    """A client_credentials request with nothing added."""
    form = {"grant_type": "client_credentials", **dict(form)}
    return client.post(f"/oauth2/token{query}", form, headers=dict(headers), auth=None)


def test_secret_in_the_header_or_in_the_body_as_registered(world):
    """client_secret_basic and client_secret_post."""
    one = Client.registered(world, "one", grant_types=["client_credentials"])
    two = Client.registered(
        world, "two", grant_types=["client_credentials"], token_endpoint_auth_method="client_secret_post"
    )

    assert 200 == one.token(grant_type="client_credentials").status_code
    assert 200 == two.token(grant_type="client_credentials").status_code


@pytest.mark.parametrize("registered", ["client_secret_basic", "client_secret_post"])
def test_only_the_registered_method_counts(world, registered):
    """RFC 7591 §2: exactly the method that was registered, with the right secret or not."""
    client = Client.registered(world, "shop", grant_types=["client_credentials"], token_endpoint_auth_method=registered)
    client.method = {"client_secret_basic": "client_secret_post", "client_secret_post": "client_secret_basic"}[
        registered
    ]

    response = client.token(grant_type="client_credentials")

    assert (401, "invalid_client") == (response.status_code, response.json["error"])


def test_every_failure_is_one_answer(world, machine):
    """Unknown client, wrong secret, none, malformed: 401 with a challenge (§5.2), never more, never a failure."""
    public = Client.registered(world, "spa", public=True)
    good = f"{machine.client_id}:{machine.secret}"
    attempts = [
        ({}, basic(f"{machine.client_id}:wrong")),
        ({}, basic("nobody:wrong")),
        ({}, basic(f"{machine.client_id}:")),
        ({}, basic(machine.client_id)),
        ({}, basic(b"\xff\xfe:x")),
        ({}, basic("nobody:%00")),
        ({}, basic("a%00b:c")),
        ({}, basic(f"{machine.client_id}:{machine.secret}\0")),
        ({}, basic("%ff:%ff")),
        ({}, {"Authorization": "Basic"}),
        ({}, {"Authorization": "Basic !!!"}),
        ({}, {"Authorization": "Basic \u00fc"}),
        ({}, {"Authorization": "Basic " + base64.b64encode(good.encode()).decode()[:-3] + "***"}),
        ({}, {"Authorization": f"Bearer {machine.secret}"}),
        ({"client_id": public.client_id}, {"Authorization": "Negotiate abc"}),
        ({}, {}),
        ({"client_id": "nobody"}, {}),
        ({"client_id": machine.client_id}, {}),
        ({"client_id": "nobody", "client_secret": "x"}, {}),
        ({"client_id": public.client_id, "client_secret": "x"}, {}),
        ({"client_secret": machine.secret}, {}),
        ({"client_id": machine.client_id, "client_secret": "x" * 5000}, {}),
    ]

    answers = [post(machine, form, headers) for form, headers in attempts]

    assert {401} == {answer.status_code for answer in answers}
    assert {"Basic"} == {answer.headers["WWW-Authenticate"] for answer in answers}
    assert 1 == len({answer.text for answer in answers})
    assert {"error": "invalid_client", "error_description": "client authentication failed"} == answers[0].json


def test_two_methods_at_once_are_refused(machine):
    """§2.3: the client MUST NOT use more than one method in a request."""
    secret = {"client_id": machine.client_id, "client_secret": machine.secret}
    assertion = {"client_assertion": "x", "client_assertion_type": "y"}
    header = basic(f"{machine.client_id}:{machine.secret}")

    for form, headers in ((secret, header), (assertion, header), (secret | assertion, {})):
        response = post(machine, form, headers)
        assert (400, "invalid_request") == (response.status_code, response.json["error"])


def test_client_id_in_the_body_must_be_the_one_that_authenticated(machine):
    """The header's client, and no other, asks."""
    header = basic(f"{machine.client_id}:{machine.secret}")

    assert 200 == post(machine, {"client_id": machine.client_id}, header).status_code
    assert "invalid_request" == post(machine, {"client_id": "other"}, header).json["error"]


def test_secret_in_the_query_is_never_read(machine):
    """§2.3.1: a secret must not be in the URI."""
    query = f"?client_id={machine.client_id}&client_secret={machine.secret}&grant_type=client_credentials"

    assert 401 == post(machine, query=query).status_code


def test_form_encoded_credentials_are_decoded(world):
    """§2.3.1: id and secret are form-encoded before base64."""
    world.client("odd", secret_hashes=[hashed(world, "a+b %:é")], grant_types=["client_credentials"])

    answer = post(Client(world.app, "odd"), headers=basic("odd:a%2Bb+%25%3A%C3%A9"))

    assert 200 == answer.status_code


def hashed(world, secret):
    with world.app.app_context():
        return secrets.hashed(secret)


def test_second_secret_works_while_secrets_rotate(world, machine):
    """Two secrets may live; one that was taken away stops within the cache's ten seconds."""
    world.execute(
        "UPDATE client SET secret_hashes = secret_hashes || %(new)s",
        new=[hashed(world, "second-secret-of-the-machine")],
    )
    world.forget_cache()
    other = Client(world.app, machine.client_id, "second-secret-of-the-machine")
    before = [machine.token(grant_type="client_credentials"), other.token(grant_type="client_credentials")]
    world.execute("UPDATE client SET secret_hashes = secret_hashes[2:2]")
    world.forget_cache()

    assert [200, 200] == [answer.status_code for answer in before]
    assert 401 == machine.token(grant_type="client_credentials").status_code
    assert 200 == other.token(grant_type="client_credentials").status_code


def test_disabled_client_and_disabled_owner_are_refused(world, clock):
    """A disabled client, or one of a disabled company, stops within ten seconds."""
    company = world.company("north")
    client = Client.registered(world, "robot", company_id=company.id, grant_types=["client_credentials"])
    assert 200 == client.token(grant_type="client_credentials").status_code

    world.execute("UPDATE company SET disabled_at = now()")
    clock.advance(11)

    assert 401 == client.token(grant_type="client_credentials").status_code


def test_guessing_a_secret_is_limited_but_the_owner_goes_on(world, machine, clock):
    """Failures of one address are answered with 429 and Retry-After; a secret that was right lately still works."""
    assert 200 == machine.token(grant_type="client_credentials").status_code
    wrong = Client(world.app, machine.client_id, "wrong")

    answers = [wrong.token(grant_type="client_credentials") for _ in range(61)]

    assert 401 == answers[0].status_code
    assert (429, "temporarily_unavailable") == (answers[-1].status_code, answers[-1].json["error"])
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert 200 == machine.token(grant_type="client_credentials").status_code
    refused = [answer for answer in answers if answer.status_code == 401]
    assert len(refused) == world.events().count("client.auth_failed")
    clock.advance(61)
    assert 401 == wrong.token(grant_type="client_credentials").status_code


def test_full_queue_for_hashing_is_503(app, machine):
    """Nothing is decided and nothing counted; a secret that was right lately needs no hashing."""
    machine.token(grant_type="client_credentials")
    app.extensions["idp.slots.clients"] = Slots(0, 0, 0)

    new = Client(app, machine.client_id, "another").token(grant_type="client_credentials")

    assert (503, "temporarily_unavailable", "5") == (new.status_code, new.json["error"], new.headers["Retry-After"])
    assert 200 == machine.token(grant_type="client_credentials").status_code


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"])
def test_every_endpoint_of_clients_asks_for_authentication(machine, path):
    """RFC 7662 §2.1, RFC 7009 §2.1."""
    form = {"token": "x", "grant_type": "client_credentials"}
    response = machine.http.post(path, data=form, base_url=PUBLIC_URL)

    assert (401, "invalid_client") == (response.status_code, response.json["error"])
    assert "no-store" == response.headers["Cache-Control"]


def test_a_new_secret_works_at_once(world, client):
    """A failed authentication reads the client again: nobody waits for the cache after a change of secret."""
    assert 401 != client.introspect("x").status_code
    secret, hashed = secrets.make()
    world.execute("UPDATE client SET secret_hashes = ARRAY[%(hash)s]", hash=hashed)
    client.secret = secret

    assert 200 == client.introspect("x").status_code
