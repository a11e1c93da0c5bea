"""Signed authorization requests that are pushed: RFC 9126 §3, RFC 9101 §10.5, FAPI 2.0 Message Signing §5.3."""

import json

import pytest
from actors import PUBLIC_URL
from signing_client import NO_TIMES, SigningClient, key_set, new_key

from idp.settings import RegistrationSettings

HOUR = 3600
ALONE = {"client_metadata": {"require_signed_request_object": True}}


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada")


@pytest.fixture
def bank(world):
    """A client under the profile that signs its requests."""
    return made(world, **ALONE)


def made(world, client_id="bank", **fields):
    uris = [f"https://{client_id}.example/callback"]
    defaults = {"grant_types": ["authorization_code"], "redirect_uris": uris, "profile": "fapi2"}
    return SigningClient.made(world, client_id, **{**defaults, **fields})


def error(response):
    return response.status_code, response.json["error"]


def test_a_signed_request_is_pushed(browser, bank):
    """RFC 9126 §3: what it says is what the client asked for."""
    pushed = bank.push_object(bank.request_object(state="inside"))
    browser.open_pushed(bank, pushed.json["request_uri"])

    assert 201 == pushed.status_code
    assert "inside" == browser.complete(user="ada")["state"]


def test_only_what_it_says_is_kept(world, browser, bank):
    """RFC 9101 §6.3: neither what stands beside it, nor the object itself, nor what it says of itself."""
    pushed = bank.push_object(bank.request_object(state=None), state="outside", redirect_uri="https://evil.example/")
    [(kept,)] = world.execute("SELECT parameters FROM authorization_request")
    browser.open_pushed(bank, pushed.json["request_uri"], state="outside")
    answer = browser.complete(user="ada")

    assert set(bank.parameters(state=None)) == kept.keys()
    assert {"code", "iss"} == answer.keys()


@pytest.mark.parametrize("typ", [None, "JWT", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"])
def test_the_type_may_be_missing(bank, typ):
    """FAPI 2.0 Message Signing §5.3.1 5."""
    assert 201 == bank.push_object(bank.request_object(header={"typ": typ})).status_code


@pytest.mark.parametrize("audience", [PUBLIC_URL, [PUBLIC_URL], ["https://other.example", PUBLIC_URL]])
def test_the_audience_is_the_issuer_or_a_list_that_has_it(bank, audience):
    """2."""
    assert 201 == bank.push_object(bank.request_object(aud=audience)).status_code


@pytest.mark.parametrize(
    ("begins", "ends"), [(0, 60), (8, 300), (60, 300), (-HOUR, 0), (-HOUR, -1), (-60, HOUR - 60), (0, HOUR)]
)
def test_times_that_are_taken(bank, clock, begins, ends):
    """3, 4: an hour old at most, an hour long at most; and FAPI 2.0 Security Profile §5.3.2.1 13: clocks differ."""
    now = int(clock().timestamp())

    assert 201 == bank.push_object(bank.request_object(nbf=now + begins, exp=now + ends)).status_code


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(-HOUR - 1, -1), (0, HOUR + 1), (-300, HOUR - 299), (61, 300), (0, -60), (-HOUR, -60), (None, 300), (0, None)],
)
def test_times_that_are_not(bank, clock, begins, ends):
    """3, 4: too old, too long, of the future, over, or not said."""
    now = int(clock().timestamp())
    says = {"nbf": now + begins if begins is not None else None, "exp": now + ends if ends is not None else None}

    assert (400, "invalid_request_object") == error(bank.push_object(bank.request_object(**says)))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": f"{PUBLIC_URL}/oauth2/par"},
        {"aud": f"{PUBLIC_URL}/"},
        {"aud": ["https://other.example"]},
        {"aud": []},
        {"iss": None},
        {"iss": "other"},
        {"client_id": None},
        {"client_id": "other"},
        {"iat": 2**40},
        *({name: value} for name in ("exp", "nbf") for value in NO_TIMES),
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"request": "x.y.z"},
    ],
)
def test_what_it_may_not_say(bank, changes):
    """1, 2, RFC 9101 §4: for whom and from whom it is."""
    assert (400, "invalid_request_object") == error(bank.push_object(bank.request_object(**changes)))


def test_who_signed_it(world, bank):
    """1, and FAPI 2.0 Security Profile §5.4.1: the client, with an algorithm of the profile."""
    rsa, ec = new_key("RS256", "rsa"), new_key("ES256", "ec")
    both, other = made(world, "both", key=ec, jwks=key_set(rsa, ec), **ALONE), made(world, "other")
    head, body, signature = bank.request_object().split(".")
    bad = {
        "another client": (bank, other.request_object()),
        "another client's key": (bank, bank.request_object(key=other.key)),
        "no signature": (bank, f"{head}.{body}."),
        "cut": (bank, f"{head}.{body}.{signature[:-2]}"),
        "RS256": (both, both.request_object(key=rsa, alg="RS256")),
        "a client assertion": (bank, bank.assertion(header={"typ": "client-authentication+jwt"})),
        "no token": (bank, "x"),
    }

    assert dict.fromkeys(bad, (400, "invalid_request_object")) == {
        how: error(client.push_object(token)) for how, (client, token) in bad.items()
    }
    assert 201 == both.push_object(both.request_object(key=rsa, alg="PS256")).status_code


def test_what_is_wrong_with_the_request_itself(bank):
    """RFC 9126 §2.3: judged as if it had come plainly."""
    faults = {"code_challenge": None}, {"redirect_uri": "https://evil.example/"}, {"response_type": None}

    assert [(400, "invalid_request")] * 3 == [
        error(bank.push_object(bank.request_object(**changes))) for changes in faults
    ]


def test_who_signs_cannot_leave_it(world, browser, another, bank):
    """RFC 9101 §10.5: plain parameters are refused, pushed or not, and objects that nobody signed, whatever is open."""
    opened = another(unsigned_request_objects=True).test_client()
    plain = made(world, "plain", profile=None, **ALONE)
    plain.http = browser.http = opened
    body = plain.request_object().split(".")[1]

    assert (400, "invalid_request") == error(bank.push())
    assert (400, "invalid_request") == error(plain.push())
    assert (400, "invalid_request_object") == error(plain.push_object(f"eyJhbGciOiJub25lIn0.{body}."))
    assert "invalid_request" == browser.authorize(plain)["error"]
    assert "code" in browser.authorize(plain, user="ada", request=plain.request_object())


def test_who_signs_only_sometimes(world, browser):
    """Without the member both ways are open; outside the profile an object may say less."""
    either, plain = made(world, "either"), made(world, "plain", profile=None)
    little = dict.fromkeys(("aud", "iss", "nbf", "exp"))

    assert (201, 201) == (either.push().status_code, either.push_object().status_code)
    assert 201 == plain.push_object(plain.request_object(**little)).status_code


def test_a_signed_request_is_not_enough(browser, bank):
    """FAPI 2.0 Security Profile §5.3.2.2 3: it is pushed, or it is no request."""
    assert "invalid_request" == browser.authorize(bank, request=bank.request_object())["error"]


def test_it_is_registered(another):
    """The member is a boolean, and the client's keys are known."""
    opened = another(registration=RegistrationSettings(open=True)).test_client()
    wanted = {"redirect_uris": ["https://bank.example/callback"], "jwks": key_set(new_key())}

    def registered(**members):
        return opened.post("/oauth2/register", data=json.dumps(wanted | members), content_type="application/json")

    assert registered(require_signed_request_object=True).json["require_signed_request_object"] is True
    assert (400, "invalid_client_metadata") == error(registered(require_signed_request_object="true"))
