"""Nonces for proofs, RFC 9449 §8: a proof cannot be made beforehand, and a client's clock does not matter."""

from dataclasses import replace

import pytest
from actors import PUBLIC_URL, Client
from dpop_key import Key

from idp.settings import DpopSettings
from keys import compact

WANTED = (400, "use_dpop_nonce")
# The clock of tests stands at the beginning of a window.
WINDOW = 300


@pytest.fixture
def key(app):
    """The key that the client holds."""
    return Key(app)


@pytest.fixture
def required(app, settings):
    """The instance accepts no proof without a nonce."""
    changed = settings.model_copy(update={"dpop": DpopSettings(nonce="required")})
    app.extensions["idp"] = replace(app.extensions["idp"], settings=changed)


def grant(machine, proof):
    return machine.post("/oauth2/token", {"grant_type": "client_credentials"}, headers={"DPoP": proof})


def refusal(response):
    return response.status_code, response.json["error"]


def nonce_of(response):
    """What the answer gave for the next proof."""
    assert "no-store" == response.headers["Cache-Control"]
    return response.headers["DPoP-Nonce"]


def learn(machine, key):
    """A nonce of now: whoever brings a bad one gets a good one."""
    return nonce_of(grant(machine, key.proof(nonce="x")))


@pytest.mark.usefixtures("required")
def test_required_nonce_is_given(machine, key):
    """RFC 9449 §8: 400 with the nonce to use, and then tokens, whose answer brings it too."""
    refused = grant(machine, key.proof())

    assert WANTED == refusal(refused)
    nonce = nonce_of(refused)
    granted = grant(machine, key.proof(nonce=nonce))
    assert 200 == granted.status_code
    assert nonce == nonce_of(granted)


@pytest.mark.usefixtures("required")
def test_required_nonce_costs_no_code(client, browser, world, key):
    """The client tries again with the same code."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": client.verifier,
    }

    nonce = nonce_of(client.post("/oauth2/token", form, headers=key.headers()))

    assert 200 == client.post("/oauth2/token", form, headers=key.headers(nonce=nonce)).status_code


@pytest.mark.usefixtures("required")
def test_nonce_is_the_last_thing_that_is_asked_for(machine, key):
    """A proof that is wrong otherwise gets no second try by it."""
    answer = grant(machine, key.proof(htm="GET"))

    assert (400, "invalid_dpop_proof") == refusal(answer)


@pytest.mark.usefixtures("required")
def test_without_a_proof_no_nonce_is_needed(machine):
    """A bearer token has nothing to do with it."""
    answer = machine.token(grant_type="client_credentials")

    assert "Bearer" == answer.json["token_type"]
    assert "DPoP-Nonce" not in answer.headers


def test_nonce_that_is_brought_must_be_good(machine, key):
    """Also where none is required: never a fallback to the clock. The answer brings a good one."""
    good = learn(machine, key)
    kid, _, mac = good.rpartition(".")
    bad = ["x", "", ".", f"{kid}.", f".{mac}", mac, f"other.{mac}", f"{kid}.{mac[:-1]}", f"{good}=", f"{good}\0", "é"]

    for nonce in (*bad, 1, [good], {"x": 1}, True):
        answer = grant(machine, key.proof(nonce=nonce))
        assert WANTED == refusal(answer)
        assert good == nonce_of(answer)
    assert 200 == grant(machine, key.proof(nonce=good)).status_code


def test_nonce_is_of_one_purpose(app, machine, key, clock):
    """What the same key seals for something else is no nonce."""
    with app.app_context():
        kid, mac = app.extensions["idp"].keys.mac("refresh", str(int(clock().timestamp()) // WINDOW).encode())
    assert WANTED == refusal(grant(machine, key.proof(nonce=f"{kid}.{compact.b64encode(mac).decode()}")))


def test_nonce_lives_for_its_window_and_the_next(machine, key, clock):
    """Five to ten minutes; from the second window on the answer brings a newer one."""
    nonce = learn(machine, key)

    assert "DPoP-Nonce" not in grant(machine, key.proof(nonce=nonce)).headers
    clock.advance(WINDOW)
    aged = grant(machine, key.proof(nonce=nonce))
    assert 200 == aged.status_code
    assert nonce != nonce_of(aged)
    clock.advance(WINDOW - 1)
    assert 200 == grant(machine, key.proof(nonce=nonce)).status_code
    clock.advance(1)
    assert WANTED == refusal(grant(machine, key.proof(nonce=nonce)))


def test_nonce_is_not_of_the_future(machine, key, clock):
    """Only what was given out counts."""
    clock.advance(WINDOW)
    nonce = learn(machine, key)
    clock.advance(-WINDOW)

    assert WANTED == refusal(grant(machine, key.proof(nonce=nonce)))


def test_with_a_nonce_the_clock_does_not_matter(machine, key, clock):
    """RFC 9449 §4.3, check 11: the nonce says when the proof was made."""
    nonce, hour = learn(machine, key), 3_600

    for wrong in (-hour, hour):
        proof = key.proof(iat=int(clock().timestamp()) + wrong, nonce=nonce)
        assert 200 == grant(machine, proof).status_code


@pytest.mark.parametrize("iat", ["1", True, 10**400, -(10**12), float("nan"), float("inf")])
def test_with_a_nonce_iat_is_a_time_all_the_same(machine, key, iat):
    """RFC 9449 §4.3, check 3: whatever it says, it says it well."""
    proof = key.proof(iat=iat, nonce=learn(machine, key))

    assert (400, "invalid_dpop_proof") == refusal(grant(machine, proof))


def test_proof_with_a_nonce_works_once_too(machine, key, clock):
    """For as long as its nonce is good."""
    proof = key.proof(nonce=learn(machine, key))
    assert 200 == grant(machine, proof).status_code

    clock.advance(2 * WINDOW - 1)

    assert (400, "invalid_dpop_proof") == refusal(grant(machine, proof))


def test_refused_proof_is_not_used_up(machine, key, world):
    """Only what was accepted is remembered."""
    learn(machine, key)

    assert 0 == world.count("replay")


@pytest.mark.parametrize("path", ["/oauth2/userinfo", "/api/v1/me"])
def test_resources_ask_for_it_too(request, world, browser, key, path):
    """RFC 9449 §9: 401 with the nonce in a header; then the answer."""
    world.user("ada", [world.company("acme")])
    resources = [PUBLIC_URL, f"{PUBLIC_URL}/api"]
    client = Client.registered(world, "shop", resources=resources, scopes=["openid", "profile:read"])
    resource = resources["api" in path]
    code = browser.authorize(client, user="ada", scope="openid profile:read", resource=resource)["code"]
    form = {"code": code, "redirect_uri": client.redirect_uri, "code_verifier": client.verifier}
    held = client.post("/oauth2/token", {"grant_type": "authorization_code", **form}, headers=key.headers()).json[
        "access_token"
    ]
    request.getfixturevalue("required")

    refused = key.get(path, held)
    answer = key.get(path, held, nonce=refused.headers["DPoP-Nonce"])

    assert 401 == refused.status_code
    assert refused.headers["WWW-Authenticate"].startswith('DPoP error="use_dpop_nonce"')
    assert 200 == answer.status_code
    assert refused.headers["DPoP-Nonce"] == answer.headers["DPoP-Nonce"]
