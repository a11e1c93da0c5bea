"""What clients of CIBA register, and how they are told that their user has decided (CIBA Core §4, §10.2)."""

import json

import elsewhere as servers
import pytest
from ciba import GRANT, Counter, answer, deny
from signing_client import key_set, new_key

from idp import outbox
from idp.clients.metadata import InvalidMetadata, validate
from idp.jobs import deliver
from idp.oauth.supported import supported_by

TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"
ENDPOINT = "/ping"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers.running(tmp_path_factory.mktemp("receiver")) as server:
        yield server


@pytest.fixture
def receiver(running):
    """Where the client listens."""
    running.asked.clear()
    running.answers.clear()
    running.answers[ENDPOINT] = (204, {}, b"")
    return running


@pytest.fixture
def settings(settings, receiver):
    rules = {"fetch_allow": ("localhost",), "fetch_ca_file": receiver.certificate}
    return settings.model_copy(update={"extensions": ("+ciba",), "deploy": settings.deploy.model_copy(update=rules)})


@pytest.fixture
def ada(world):
    return world.user("ada")


@pytest.fixture
def counter(world, receiver):
    return Counter.at(
        world,
        backchannel_token_delivery_mode="ping",
        backchannel_client_notification_endpoint=receiver.url(ENDPOINT),
    )


@pytest.fixture
def deliver_due(app):
    """What the job process does in one turn."""

    def turn():
        with app.app_context():
            claimed = outbox.claim(20)
        for message in claimed:
            deliver.send(app, message)
        return len(claimed)

    return turn


def test_the_client_is_pinged_when_its_user_decided(counter, ada, browser, deliver_due, receiver, world):
    """§10.2: the id as JSON, the client's own token as Bearer; then it polls at once."""
    told = counter.started(client_notification_token=TOKEN)
    assert 0 == deliver_due()
    answer(browser)

    assert 1 == deliver_due()
    [(method, path, headers, body)] = receiver.asked
    assert ("POST", ENDPOINT) == (method, path)
    assert f"Bearer {TOKEN}" == headers["Authorization"]
    assert "application/json" == headers["Content-Type"]
    assert {"auth_req_id": told["auth_req_id"]} == json.loads(body)
    assert 0 == world.count("outbox")
    assert 200 == counter.poll(0).status_code


def test_a_no_is_told_too(counter, ada, browser, deliver_due, receiver):
    browser.get("/account/approvals")
    browser.follow()
    browser.sign_in("ada")
    counter.started(client_notification_token=TOKEN)
    deny(browser)

    assert 1 == deliver_due()
    assert 1 == len(receiver.asked)
    assert "access_denied" == counter.poll(0).json["error"]


@pytest.mark.parametrize(("decision", "outcome"), [("allow", "access_token"), ("deny", "error")])
def test_who_is_pinged_comes_at_once(counter, ada, browser, decision, outcome):
    """§11: to slow down is for what is pending, also for a client that polled a moment before its user decided."""
    counter.started(client_notification_token=TOKEN)
    assert ["authorization_pending", "slow_down"] == [counter.poll(0).json["error"] for _ in range(2)]
    answer(browser, decision=decision)

    response = counter.poll(0)
    assert outcome in response.json
    assert response.json.get("error") in (None, "access_denied")


def test_neither_token_nor_id_lies_in_the_database(counter, ada, browser, world):
    told = counter.started(client_notification_token=TOKEN)
    answer(browser)
    rows = str(world.execute("SELECT * FROM decoupled_authorization") + world.execute("SELECT payload FROM outbox"))

    assert TOKEN not in rows
    assert told["auth_req_id"] not in rows


@pytest.mark.parametrize("answered", [(200, {}, b"welcome"), (401, {}, b""), (403, {}, b""), (404, {}, b"")])
def test_what_the_client_answers_is_its_own_affair(
    counter, ada, browser, deliver_due, receiver, world, clock, answered
):
    """Also a body, and a refusal of the token: it is not asked again."""
    receiver.answers[ENDPOINT] = answered
    counter.started(client_notification_token=TOKEN)
    answer(browser)
    deliver_due()
    clock.advance(60)

    assert 0 == deliver_due()
    assert 1 == len(receiver.asked)
    assert 0 == world.count("outbox")


def test_no_redirect_is_followed(counter, ada, browser, deliver_due, receiver):
    """The token must not go where somebody points."""
    receiver.answers[ENDPOINT] = (307, {"Location": receiver.url("/other")}, b"")
    counter.started(client_notification_token=TOKEN)
    answer(browser)
    deliver_due()

    assert [ENDPOINT] == [path for _method, path, _headers, _body in receiver.asked]


def test_a_server_that_fails_is_asked_again_while_the_request_lasts(
    counter, ada, browser, deliver_due, receiver, clock, world
):
    receiver.answers[ENDPOINT] = (503, {}, b"")
    counter.started(client_notification_token=TOKEN)
    answer(browser)
    deliver_due()
    clock.advance(60)
    deliver_due()
    assert 2 == len(receiver.asked)
    clock.advance(900)
    deliver_due()

    assert 2 == len(receiver.asked)
    assert 0 == world.count("outbox")


@pytest.mark.parametrize("token", [None, "", "x" * 1025, "with space", "new\nline", "ümlaut"])
def test_a_ping_needs_a_bearer_token(counter, ada, token, world):
    response = counter.ask(client_notification_token=token)

    assert (400, "invalid_request") == (response.status_code, response.json["error"])
    assert 0 == world.count("decoupled_authorization")


def test_who_polls_is_not_pinged(world, ada, browser, deliver_due):
    """Whatever token it sent along."""
    counter = Counter.at(world)
    counter.started(client_notification_token=TOKEN)
    answer(browser)

    assert 0 == deliver_due()


# -- registration, §4

CLIENT = {
    "grant_types": [GRANT],
    "response_types": [],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": key_set(new_key()),
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://desk.example/ping",
    "backchannel_authentication_request_signing_alg": "ES256",
    "backchannel_user_code_parameter": False,
}


@pytest.fixture
def registered(app, settings):
    """The members that an application like this keeps."""
    supported = supported_by(app.extensions["oauth"].extensions, settings)

    def check(**changes):
        members = {name: value for name, value in {**CLIENT, **changes}.items() if value is not None}
        return validate(members, supported, client_id="desk").members()

    return check


def test_the_members_of_ciba_are_kept(registered):
    """Without a redirect URI: there is no browser to send back."""
    assert CLIENT.items() <= registered().items()


def test_a_key_may_bring_its_certificate(registered):
    """FAPI-CIBA: where mutual TLS binds the tokens, the certificate comes as `x5c` of a key (RFC 8705 §2.2.2)."""
    key = key_set(new_key())["keys"][0] | {"x5c": ["MIIB"]}

    assert [key] == registered(jwks={"keys": [key]})["jwks"]["keys"]


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"backchannel_token_delivery_mode": None}, "backchannel_token_delivery_mode"),
        ({"backchannel_token_delivery_mode": "push"}, "backchannel_token_delivery_mode"),
        ({"backchannel_token_delivery_mode": ["ping"]}, "backchannel_token_delivery_mode"),
        ({"backchannel_client_notification_endpoint": None}, "backchannel_client_notification_endpoint"),
        (
            {"backchannel_client_notification_endpoint": "http://desk.example"},
            "backchannel_client_notification_endpoint",
        ),
        ({"backchannel_authentication_request_signing_alg": "RS256"}, "backchannel_authentication_request_signing_alg"),
        ({"backchannel_authentication_request_signing_alg": "none"}, "backchannel_authentication_request_signing_alg"),
        ({"backchannel_authentication_request_signing_alg": []}, "backchannel_authentication_request_signing_alg"),
        (
            {"jwks": None, "token_endpoint_auth_method": "client_secret_basic"},
            "backchannel_authentication_request_signing_alg",
        ),
        ({"backchannel_user_code_parameter": True}, "backchannel_user_code_parameter"),
        ({"token_endpoint_auth_method": "none"}, "grant_types"),
    ],
)
def test_what_does_not_go_together_is_refused(registered, changes, member):
    with pytest.raises(InvalidMetadata) as refused:
        registered(**changes)

    assert member == refused.value.member
