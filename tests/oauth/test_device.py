"""Signing in on a device without browser or keyboard: device authorization grant, RFC 8628."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from actors import PUBLIC_URL, Browser, Client, Forms, unverified
from dpop_key import Key
from signing_client import SigningClient

from idp.clients.metadata import validate
from idp.jobs import sweep
from idp.oauth.decoupled import rows
from idp.oauth.supported import supported_by

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PATH = "/oauth2/device_authorization"
WRONG = "BBBB-CCCC"


@pytest.fixture
def ada(world):
    return world.user("ada", [world.company("north-sea", "North Sea Energy")])


@pytest.fixture
def tv(world):
    """A public client on a device: nothing but the device grant and refresh tokens."""
    return Client.registered(
        world,
        "tv",
        public=True,
        client_name="Wall Display",
        consent="ask",
        grant_types=[GRANT, "refresh_token"],
        redirect_uris=[],
    )


@pytest.fixture
def device(tv, clock):
    return Device(tv, clock)


class Device:
    """Starts, shows its code, and polls as it was told."""

    def __init__(self, client, clock):
        self.client, self.clock = client, clock

    def start(self, **parameters):
        response = self.client.post(PATH, {"scope": "openid", **parameters})
        assert 200 == response.status_code, response.text
        self.told = response.json
        return self

    @property
    def user_code(self):
        return self.told["user_code"]

    def poll(self, wait=5, *, headers=(), **changes):
        self.clock.advance(wait)
        form = {"grant_type": GRANT, "device_code": self.told["device_code"], **changes}
        return self.client.post("/oauth2/token", form, headers=headers)


def enter(browser, code):
    browser.get("/device")
    browser.submit(user_code=code)
    return browser.follow()


def approve(browser, device, user="ada", **button):
    """Enter the code, sign in where that is asked, and decide."""
    page = enter(browser, device.user_code)
    if "password" in {name for form in Forms.of(page.text) for name in form["names"]}:
        browser.sign_in(user)
    browser.submit(button=("decision", button.get("decision", "allow")))
    return browser.follow()


def test_a_device_signs_its_person_in(device, ada, browser, world):
    """From the code on its screen to tokens: pending first, and the company is the person's."""
    device.start(scope="openid offline_access")
    assert "authorization_pending" == device.poll(0).json["error"]

    done = approve(browser, device)
    tokens = device.poll()

    assert "Your device is connected" in done.text
    assert 200 == tokens.status_code
    assert "no-store" == tokens.headers["Cache-Control"]
    assert "openid offline_access" == tokens.json["scope"]
    found = unverified(tokens.json["access_token"])
    assert ("sub-ada", "tv") == (found["sub"], found["client_id"])
    assert world.execute("SELECT id::text FROM company")[0][0] == found["company_id"]
    assert "tv" == unverified(tokens.json["id_token"])["aud"]
    assert 200 == device.client.refresh(tokens.json["refresh_token"]).status_code
    assert ["device.started", "device.approved"] == [kind for kind in world.events() if kind.startswith("device")]


def test_the_answer_is_what_devices_expect(tv, clock):
    """RFC 8628 §3.2; eight letters without vowels, and a link that has them."""
    response = tv.post(PATH, {"scope": "openid"})
    told = response.json

    assert "no-store" == response.headers["Cache-Control"]
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", told["user_code"])
    assert len(told["device_code"]) >= 43
    assert {
        "verification_uri": f"{PUBLIC_URL}/device",
        "verification_uri_complete": f"{PUBLIC_URL}/device?user_code={told['user_code']}",
        "expires_in": 600,
        "interval": 5,
    } == {name: value for name, value in told.items() if name not in ("device_code", "user_code")}


def test_codes_are_kept_as_digests(device, world):
    """Whoever reads the database can neither poll nor see what devices show."""
    device.start()
    [row] = world.execute("SELECT * FROM decoupled_authorization")

    assert device.told["device_code"] not in str(row)
    assert device.user_code not in str(row)


def test_discovery_announces_it(app):
    document = app.test_client().get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json

    assert f"{PUBLIC_URL}{PATH}" == document["device_authorization_endpoint"]
    assert GRANT in document["grant_types_supported"]


def test_a_confidential_client_authenticates(world, ada, browser, clock):
    """RFC 8628 §3.1: as at the token endpoint; without its secret nothing starts and nothing is polled."""
    kiosk = Device(Client.registered(world, "kiosk", grant_types=[GRANT]), clock)

    assert 401 == kiosk.client.post(PATH, {"client_id": "kiosk"}, auth=False).status_code
    approve(browser, kiosk.start())
    bare = {"grant_type": GRANT, "device_code": kiosk.told["device_code"], "client_id": "kiosk"}
    assert 401 == kiosk.client.post("/oauth2/token", bare, auth=False).status_code
    answer = kiosk.poll().json
    assert "access_token" in answer
    assert "refresh_token" not in answer


def test_the_grant_type_is_registered_without_a_redirect_uri(app, settings):
    """By itself, for a public client: there is no browser to send back."""
    supported = supported_by(app.extensions["oauth"].extensions, settings)
    members = {"grant_types": [GRANT], "token_endpoint_auth_method": "none"}
    found = validate(members, supported, client_id="tv")

    assert ([GRANT], [], []) == (found.grant_types, found.response_types, found.redirect_uris)


def test_a_client_needs_the_grant_type(client, world):
    response = client.post(PATH, {"scope": "openid"})

    assert (400, "unauthorized_client") == (response.status_code, response.json["error"])
    assert 0 == world.count("decoupled_authorization")


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"scope": "nothing-of-ours"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"company": "Not A Slug"}, "invalid_request"),
        ({"company": "*"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"scope": ["openid", "email"]}, "invalid_request"),
    ],
)
def test_the_device_learns_at_once_what_is_wrong(tv, world, parameters, error):
    """Not its person, minutes later."""
    response = tv.post(PATH, {"scope": "openid", **parameters})

    assert (400, error) == (response.status_code, response.json["error"])
    assert 0 == world.count("decoupled_authorization")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_other_methods_are_refused(app, method):
    assert 405 == app.test_client().open(PATH, method=method, base_url=PUBLIC_URL).status_code


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"client_id=tv&client_id=tv", b"client_id=%00", b"{}", b"client_id=tv&scope"]
)
def test_malformed_bodies_are_refused(app, tv, body):
    form = "application/x-www-form-urlencoded"
    response = app.test_client().post(PATH, data=body, content_type=form, base_url=PUBLIC_URL)

    assert response.status_code in (200, 400, 401), response.text
    assert (200 == response.status_code) == (body == b"client_id=tv&scope")


@pytest.mark.parametrize("typed", ["{}", " {} ", "{lower}", "{letters}", "{lower_letters}", "{spaced}", "{dotted}"])
def test_a_code_may_be_typed_sloppily(device, browser, typed):
    """RFC 8628 §6.1: case, dash and spaces mean nothing."""
    device.start()
    code, letters = device.user_code, device.user_code.replace("-", "")
    text = typed.format(
        code,
        lower=code.lower(),
        letters=letters,
        lower_letters=letters.lower(),
        spaced=" ".join(letters),
        dotted=code.replace("-", "\u2013 "),
    )

    assert "Continue to" in enter(browser, text).text


def test_a_link_only_fills_the_code_in(device, browser, world):
    """RFC 8628 §3.3.1: the person still sees the code, and nothing happens by a GET."""
    device.start()
    complete = urlsplit(device.told["verification_uri_complete"])
    page = browser.get(f"{complete.path}?{complete.query}")

    assert f'value="{device.user_code}"' in page.text
    assert 0 == world.count("authorization_request")
    browser.submit(user_code=device.user_code)
    assert "Continue to" in browser.follow().text


def test_the_person_sees_what_they_allow(device, ada, browser):
    """RFC 8628 §5.4: the code, who asks, what for, and what to do if somebody else began it."""
    enter(browser, device.start().user_code)
    page = browser.sign_in("ada").text

    assert device.user_code in page
    assert "Wall Display" in page
    assert "Know that it is you" in page
    assert "North Sea Energy" in page
    assert "Whoever sent you a code or a link would act in your name" in page


def test_it_is_asked_each_time(device, ada, browser, world):
    """Consent that is remembered, or implied, lets no device in: somebody else may have begun it."""
    approve(browser, device.start())
    world.execute("UPDATE client SET consent = 'implied'")
    world.forget_cache()
    page = enter(browser, device.start().user_code)

    assert device.user_code in page.text
    assert "authorization_pending" == device.poll().json["error"]


def test_consent_is_remembered_for_the_next_time(device, ada, browser, world):
    approve(browser, device.start())

    assert [(["openid"],)] == world.execute("SELECT scopes FROM consent WHERE client_id = 'tv'")


def test_the_person_may_say_no(device, ada, browser, world):
    done = approve(browser, device.start(), decision="deny")
    poll = device.poll()

    assert "Nothing was allowed" in done.text
    assert (400, "access_denied") == (poll.status_code, poll.json["error"])
    assert "device.denied" in world.events()
    assert 0 == world.count("oauth_grant")


def test_the_company_is_chosen(device, ada, browser, world):
    """As at any sign-in: whoever works for several says which."""
    kvitberg = world.company("kvitberg")
    world.join(ada, kvitberg)
    enter(browser, device.start().user_code)
    browser.sign_in("ada")
    browser.submit(button=("company", "kvitberg"))
    browser.follow()
    browser.submit(button=("decision", "allow"))

    assert str(kvitberg.id) == unverified(device.poll().json["access_token"])["company_id"]


def test_a_named_company_that_is_not_the_person_s_ends_in_a_page(device, ada, browser, world):
    """The device goes on waiting: somebody who works there may enter the code."""
    world.company("kvitberg")
    enter(browser, device.start(company="kvitberg").user_code)
    page = browser.sign_in("ada")

    assert 400 == page.status_code
    assert "access_denied" in page.text
    assert "authorization_pending" == device.poll().json["error"]


def test_a_resource_is_asked_for_and_narrowed(world, ada, browser, clock):
    """RFC 8707: at the start, and again at the token endpoint."""
    uris = ["https://data.example.com", "https://meters.example.com"]
    for uri in uris:
        world.resource(uri, scopes=["datasets:read"])
    client = Client.registered(world, "panel", public=True, grant_types=[GRANT], resources=uris)
    device = Device(client, clock).start(resource=uris)
    approve(browser, device)

    assert "invalid_target" == device.poll(resource="https://else.example").json["error"]
    assert uris[1] == unverified(device.poll(resource=uris[1]).json["access_token"])["aud"]


def test_authorization_details_are_shown_and_granted(world, ada, browser, clock):
    """RFC 9396: judged at the start, on the page in words, narrowed at the token endpoint like anywhere."""
    schema = json.loads((Path(__file__).parents[2] / "examples" / "dataset.schema.json").read_text())
    world.resource("https://data.example", authorization_details={"dataset": schema})
    client = Client.registered(world, "panel", public=True, grant_types=[GRANT], resources=["https://data.example"])
    entry = {"type": "dataset", "actions": ["read"], "identifiers": ["troll-2031"]}
    wrong = client.post(PATH, {"scope": "openid", "authorization_details": '[{"type": "payment"}]'})
    device = Device(client, clock).start(authorization_details=json.dumps([entry]))
    enter(browser, device.user_code)
    page = browser.sign_in("ada")
    browser.submit(button=("decision", "allow"))
    browser.follow()

    assert "invalid_authorization_details" == wrong.json["error"]
    assert "troll-2031" in page.text
    assert [entry] == unverified(device.poll().json["access_token"])["authorization_details"]


def test_tokens_are_bound_to_the_device_s_key(app, device, ada, browser):
    """RFC 9449: a proof with the poll; a poll whose proof is refused has not cost the code."""
    key = Key(app)
    approve(browser, device.start(scope="openid offline_access"))
    refused = device.poll(headers={"DPoP": "x.y.z"})
    tokens = device.poll(headers=key.headers())

    assert (400, "invalid_dpop_proof") == (refused.status_code, refused.json["error"])
    assert "DPoP" == tokens.json["token_type"]
    assert {"jkt": key.thumbprint} == unverified(tokens.json["access_token"])["cnf"]
    assert 400 == device.client.refresh(tokens.json["refresh_token"]).status_code


@pytest.mark.parametrize(
    "fields",
    [{"profile": "fapi2"}, {"client_metadata": {"require_pushed_authorization_requests": True}}],
)
def test_what_comes_through_a_browser_alone_must_be_pushed(app, world, clock, ada, browser, fields):
    """FAPI 2.0 §5.3.2.2, RFC 9126 §6: the device itself sent it; its tokens are bound as all of its client's are."""
    client = SigningClient.made(world, "wall", consent="ask", grant_types=[GRANT], redirect_uris=[], **fields)
    device = Device(client, clock)
    approve(browser, device.start())

    if "profile" in fields:
        refused = device.poll()
        assert (400, "invalid_request") == (refused.status_code, refused.json["error"])
    tokens = device.poll(headers=Key(app).headers())
    assert 200 == tokens.status_code, tokens.text
    assert "jkt" in unverified(tokens.json["access_token"])["cnf"]


def test_a_refusal_at_the_token_endpoint_does_not_cost_the_code(device, ada, browser):
    approve(browser, device.start())

    assert "invalid_scope" == device.poll(scope="openid email").json["error"]
    assert 200 == device.poll().status_code


def test_a_code_is_redeemed_once(device, ada, browser):
    approve(browser, device.start())

    assert 200 == device.poll().status_code
    assert "invalid_grant" == device.poll().json["error"]


def test_of_twenty_polls_at_once_one_gets_tokens(device, ada, browser, at_once, world):
    approve(browser, device.start())
    device.clock.advance(5)
    answers = at_once(20, lambda: device.poll(0))

    assert [200] == [answer.status_code for answer in answers if answer.status_code != 400]
    assert {"slow_down", "invalid_grant"} >= {answer.json["error"] for answer in answers if answer.status_code == 400}


def test_two_that_redeem_at_once_are_told_apart_by_the_row(device, ada, browser, app, world):
    """Even if both came in time: whoever finds the row gone gets nothing."""
    approve(browser, device.start())
    [(grant,)] = world.execute("SELECT grant_id FROM decoupled_authorization")
    with app.test_request_context():
        assert [True, False] == [rows.redeem(device.told["device_code"], grant) for _ in range(2)]


def test_another_client_s_code_is_unknown(device, ada, browser, world):
    """And its owner still gets the tokens: the attempt did not count as a poll."""
    thief = Client.registered(world, "thief", public=True, grant_types=[GRANT])
    approve(browser, device.start())
    stolen = thief.token(grant_type=GRANT, device_code=device.told["device_code"])

    assert (400, "invalid_grant") == (stolen.status_code, stolen.json["error"])
    assert 200 == device.poll(0).status_code


def test_polling_too_fast_is_slowed_down(device):
    """RFC 8628 §3.5: five seconds more, for all requests from then on, whatever process answers."""
    device.start()
    assert "authorization_pending" == device.poll(0).json["error"]
    too_soon = device.poll(2)
    assert (400, "slow_down") == (too_soon.status_code, too_soon.json["error"])

    assert "slow_down" == device.poll(5).json["error"]
    assert "authorization_pending" == device.poll(15).json["error"]
    assert "authorization_pending" == device.poll(15).json["error"]
    assert "slow_down" == device.poll(5).json["error"]


def test_a_poll_that_is_a_little_early_is_on_time(device):
    """The network may carry it faster than the one before."""
    device.start().poll(0)

    assert "authorization_pending" == device.poll(4).json["error"]


def test_a_hasty_client_waits_a_minute_at_most(device):
    device.start()
    for _ in range(30):
        device.poll(0)

    assert "authorization_pending" == device.poll(60).json["error"]


def test_a_code_runs_out(device, ada, browser):
    """For the device and for the person alike; a late approval changes nothing."""
    enter(browser, device.start().user_code)
    browser.sign_in("ada")
    device.clock.advance(601)
    poll = device.poll(0)

    assert (400, "expired_token") == (poll.status_code, poll.json["error"])
    assert "not right or has run out" in enter(Browser(device.client.app), device.user_code).text


def test_an_approval_that_comes_too_late_gives_nothing(device, ada, browser, world):
    """Somebody else decided meanwhile: no grant begins."""
    enter(browser, device.start().user_code)
    browser.sign_in("ada")
    other = Browser(device.client.app)
    approve(other, device, decision="deny")
    browser.submit(button=("decision", "allow"))

    assert "That code has run out" in browser.follow().text
    assert "access_denied" == device.poll().json["error"]
    assert [0, 0] == [world.count(table) for table in ("oauth_grant", "session_client")]


def test_a_code_that_was_decided_cannot_be_entered_again(device, ada, browser):
    approve(browser, device.start())

    assert "not right or has run out" in enter(browser, device.user_code).text


@pytest.mark.parametrize("code", [None, "", "dc_unknown", "x" * 2000])
def test_an_unknown_code_is_refused(device, code):
    answer = device.client.token(grant_type=GRANT, device_code=code)

    assert 400 == answer.status_code
    assert answer.json["error"] in ("invalid_grant", "invalid_request")


def test_a_company_cannot_be_chosen_by_the_device(device, ada, browser):
    approve(browser, device.start())

    assert "invalid_request" == device.poll(company="north-sea").json["error"]


def test_tokens_end_with_the_session_that_approved(device, ada, browser, world):
    """Without offline_access, as everywhere; a session that ended before the poll gives none at all."""
    approve(browser, device.start())
    world.execute("UPDATE sso_session SET ended_at = ends_at")

    assert "invalid_grant" == device.poll().json["error"]


def test_wrong_codes_are_counted_in_the_browser(device, ada, browser, clock, world):
    """Five in ten minutes (RFC 8628 §5.1); then the right one is refused too."""
    device.start()
    for _ in range(5):
        assert 400 == enter(browser, WRONG).status_code
    refused = enter(browser, device.user_code)
    assert 429 == refused.status_code
    assert int(refused.headers["Retry-After"]) <= 600
    enter(browser, WRONG)
    assert 1 == world.events().count("device.guess_limited")

    assert "Continue to" in enter(Browser(device.client.app), device.user_code).text
    clock.advance(601)
    assert 400 == enter(browser, WRONG).status_code


def test_wrong_codes_are_counted_for_the_address(device, app):
    """Twenty in ten minutes, however many cookies are dropped."""
    device.start()
    for _ in range(20):
        assert 400 == enter(Browser(app), WRONG).status_code

    assert 429 == enter(Browser(app), device.user_code).status_code


def test_right_codes_do_not_count(device, browser):
    for _ in range(6):
        assert "Continue to" in enter(browser, device.start().user_code).text


def test_what_waits_from_one_address_is_bounded(tv, world, clock):
    """Anybody may start in a public client's name; what ran out makes room."""
    tv.post(PATH, {"scope": "openid"})
    world.execute(
        """INSERT INTO decoupled_authorization
           SELECT decode(md5(n::text), 'hex'), kind, client_id, user_id, decode(md5(n::text), 'hex'), parameters,
                  network, state, grant_id, pause, next_poll_at, slow_down, ping, created_at,
                  expires_at
             FROM decoupled_authorization, generate_series(1, 199) n"""
    )

    refused = tv.post(PATH, {"scope": "openid"})
    assert (429, "60") == (refused.status_code, refused.headers["Retry-After"])
    clock.advance(601)
    assert 200 == tv.post(PATH, {"scope": "openid"}).status_code


def test_what_is_over_is_swept(device, app, clock, world):
    """An hour later: a device that polls late learns why until then."""
    device.start()
    clock.advance(601)
    with app.app_context():
        sweep.work()
    assert 1 == world.count("decoupled_authorization")
    clock.advance(3600)
    with app.app_context():
        sweep.work()

    assert 0 == world.count("decoupled_authorization")


def test_a_form_of_another_site_enters_nothing(device, browser, world):
    browser.get("/device")
    forged = browser.http.post(
        "/device",
        data={"user_code": device.start().user_code},
        headers={"Origin": "https://evil.example"},
        base_url=PUBLIC_URL,
    )
    without = browser.http.post("/device", data={"user_code": device.user_code}, base_url=PUBLIC_URL)

    assert [403, 400] == [forged.status_code, without.status_code]
    assert 0 == world.count("authorization_request")


def test_a_planted_address_opens_nothing(device, ada, browser, app):
    """What one browser began, another cannot finish: a link to our own page leads to "Start again"."""
    attacker = Browser(app)
    attacker.get("/device")
    attacker.submit(user_code=device.start().user_code)
    address = attacker.page.headers["Location"]

    assert 400 == browser.get(address).status_code


@pytest.mark.parametrize(
    "query", ["", "?user_code=%00", "?user_code=%ff", "?user_code=" + "A" * 500, "?user_code=%22%3E"]
)
def test_the_page_bears_any_address(app, query):
    assert app.test_client().get(f"/device{query}", base_url=PUBLIC_URL).status_code in (200, 400)


class TestSwitchedOff:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": ("-device",)})

    def test_nothing_of_it_is_there(self, app):
        http = app.test_client()

        assert [404, 404, 404] == [
            http.post(PATH, base_url=PUBLIC_URL).status_code,
            http.get("/device", base_url=PUBLIC_URL).status_code,
            http.get("/device/done", base_url=PUBLIC_URL).status_code,
        ]
