"""The pages on the real provider and a real PostgreSQL: what the fakes of the other tests stand for."""

import psycopg
import pytest
from actors import PASSWORD, Client

from idp import limits
from tests.ui.page import Page


@pytest.fixture
def ada(world):
    """A person in two companies."""
    roles = {world.company("north-sea", "North Sea Energy"): ["admin"], world.company("kvitberg"): ["member"]}
    return world.user("ada", roles, claims={"name": "Ada Larsen"})


@pytest.fixture
def forecast(world):
    """A client of Kelda's that must ask, for datasets too."""
    world.resource("https://data.example.com", scopes=["datasets:read"])
    return Client.registered(
        world,
        "forecast",
        client_name="Grid Forecast",
        company_id=world.company("kelda", "Kelda Analytics").id,
        consent="ask",
        resources=["https://data.example.com"],
        scopes=["openid", "offline_access", "companies", "datasets:read"],
    )


def test_from_the_application_and_back(browser, world, ada, forecast):
    """Sign in, choose a company, allow: each page says who asks, and the last one where the way leads."""
    browser.open(forecast, scope="openid offline_access datasets:read")
    assert "Continue to Grid Forecast by Kelda Analytics" in Page(browser.follow().text).text

    wrong = browser.submit(identifier="ada@example.com", password="not this one")
    assert 401 == wrong.status_code
    chooser = Page(browser.sign_in("ada").text)
    assert ["Kvitberg Member", "North Sea Energy Admin"] == [b.text for b in chooser.all("button", name="company")]

    browser.submit(button=("company", "north-sea"))
    consent = Page(browser.follow().text)
    assert "Allow Grid Forecast to work for you?" == consent.heading
    assert "North Sea Energy as Ada Larsen" in consent.text
    assert "Words for datasets:read" in consent.text
    assert "Keep working when you are away" in consent.text
    assert "Either way you go back to forecast.example." in consent.text

    done = browser.submit(button=("decision", "allow"))
    assert 303 == done.status_code
    assert done.location.startswith("https://forecast.example/callback?")


def test_connected_applications_can_be_stopped(browser, world, ada, forecast):
    """At once: the refresh token that it holds is worth nothing any more, and it must ask again."""
    refresh_token = forecast.tokens(browser, user="ada", choose="north-sea", scope="openid offline_access")[
        "refresh_token"
    ]
    page = Page(browser.get("/account").text)
    assert "Grid Forecast for North Sea Energy allowed today" in page.text

    stopped = browser.submit(client_id="forecast")
    assert 303 == stopped.status_code
    assert "No application acts for you." in Page(browser.follow().text).text
    assert 400 == forecast.refresh(refresh_token).status_code
    browser.open(forecast)
    assert "Allow Grid Forecast to work for you?" == Page(browser.follow().text).heading
    assert "consent.revoked" in world.events()


def test_the_account_asks_for_a_sign_in_and_comes_back(browser, ada):
    browser.get("/account")
    assert "Continue to your account." in Page(browser.follow().text).text

    assert "My account" == Page(browser.sign_in("ada").text).heading


def test_forged_forms_are_logged_and_recorded_once(browser, world, ada, clock, caplog):
    """A line for each, with its reason and nothing of what was sent; one row an address, which no flood multiplies."""
    browser.get("/account")
    path = browser.follow().request.path
    for headers in [{"Origin": "https://evil.example"}, {}, {}]:
        browser.http.post(path, data={"csrf_token": "s3cret"}, base_url="https://id.example.com", headers=headers)

    assert ["origin", "token", "token"] == [line.reason for line in caplog.records if line.message == "csrf.refused"]
    assert "s3cret" not in str([vars(line) for line in caplog.records])
    rows = world.execute("SELECT facts FROM security_event WHERE kind = 'csrf.refused'")
    assert [({"address": "127.0.0.1", "endpoint": "signin.login", "reason": "origin"},)] == rows
    clock.advance(minutes=5, seconds=1)
    browser.http.post(path, data={}, base_url="https://id.example.com", headers={"Origin": "null"})
    assert 2 == world.events().count("csrf.refused")


def test_form_that_is_too_old_is_503_when_its_event_cannot_be_kept(browser, ada, monkeypatch):
    """The database goes away at that very moment (promise P30)."""
    browser.get("/account")
    path = browser.follow().request.path

    def away(*_arguments, **_facts):
        raise psycopg.OperationalError

    monkeypatch.setattr(limits, "record", away)
    answer = browser.http.post(path, data={"csrf_token": "old"}, base_url="https://id.example.com")

    assert 503 == answer.status_code


def test_sign_out_from_the_account(browser, ada):
    browser.get("/account")
    browser.follow()
    browser.sign_in("ada")
    page = browser.submit(index=0)

    assert "You are signed out" == Page(page.text).heading
    assert 303 == browser.get("/account").status_code


def test_not_you(browser, world, ada, forecast):
    """The person leaves, the request stays: somebody else signs in for it."""
    world.user("kari", [])
    browser.open(forecast)
    browser.follow()
    browser.sign_in("ada")
    browser.submit(index=-1)

    assert "Sign in" == Page(browser.follow().text).heading
    assert "Kari" in Page(browser.sign_in("kari").text).text


def test_a_page_of_one_person_is_void_for_the_next(browser, world, ada, forecast):
    """Its token was made for another person (promise P21)."""
    world.user("kari", [])
    browser.open(forecast)
    browser.follow()
    browser.sign_in("ada")
    token = Page(browser.page.text).tokens[None]
    path = browser.page.request.path
    browser.submit(index=-1)
    browser.follow()
    browser.sign_in("kari")
    answer = browser.http.post(
        path.replace("/company", "/consent"),
        data={"csrf_token": token, "decision": "allow"},
        base_url="https://id.example.com",
    )

    assert 400 == answer.status_code
    assert "Start again" == Page(answer.text).heading


def test_another_browser_gets_nothing(app, browser, world, ada, forecast):
    """A link to a waiting request, sent to somebody else, leads nowhere."""
    browser.open(forecast)
    browser.follow()
    answer = app.test_client().get(browser.page.request.path, base_url="https://id.example.com")

    assert 400 == answer.status_code
    assert "Start again" == Page(answer.text).heading


def test_an_unregistered_address_is_an_error_page(browser, world, forecast):
    """Never a redirect, and nothing of what was sent is on it."""
    answer = browser.open(forecast, redirect_uri="https://evil.example/<script>")
    page = Page(answer.text)

    assert 400 == answer.status_code
    assert "This sign-in cannot go on" == page.heading
    assert "evil.example" not in answer.text
    assert page.one("dl").text.startswith("Reference ")


def test_many_companies_are_found(browser, world, ada, forecast):
    """By part of the name; the last used one comes first the next time."""
    for number in range(120):
        world.join(ada, world.company(f"fjord-{number}", f"Fjord {number}"))
    browser.open(forecast)
    browser.follow()
    browser.sign_in("ada")
    path = browser.page.request.path
    assert 100 == len(Page(browser.page.text).all("button", name="company"))
    assert "None of your companies matches" in Page(browser.get(path, q="zzz").text).text
    found = Page(browser.get(path, q="fjord 119").text)
    assert ["Fjord 119 Member"] == [b.text for b in found.all("button", name="company")]

    browser.submit(button=("company", found.one("button", name="company")["value"]))
    browser.follow()
    browser.submit(button=("decision", "allow"))
    browser.open(forecast, prompt="select_account")
    chooser = Page(browser.follow().text)
    assert "Fjord 119 Member last used today" == chooser.all("button", name="company")[0].text


def test_sign_out_asks_whoever_comes_by_a_link(browser, ada):
    browser.get("/account")
    browser.follow()
    browser.sign_in("ada")
    page = Page(browser.get("/oauth2/logout").text)
    assert "Sign out of Havn?" == page.heading

    assert "You are signed out" == Page(browser.submit().text).heading


def test_the_right_password_of_a_known_person(browser, ada, forecast, clock):
    """prompt=login shows who is signed in, and asks for the password alone."""
    forecast.tokens(browser, user="ada", choose="north-sea")
    clock.advance(minutes=5)
    browser.open(forecast, prompt="login")
    page = Page(browser.follow().text)
    assert "Confirm that it is you" == page.heading
    assert "ada@example.com" in page.text

    assert 303 == browser.submit(password=PASSWORD).status_code


NASTY = [b"%00", b"a%00b", b"%ff%fe", b"%ED%A0%80", b"+", b"%0d%0a", b"x" * 5000, b"%E2%80%AE", b"' OR 1=1 --"]


@pytest.mark.parametrize("nasty", NASTY)
def test_nonsense_is_never_our_fault(browser, ada, forecast, nasty):
    """Whatever stands in a field or an address: 4xx or an ordinary page (promise P27)."""

    def post(path, token, body):
        return browser.http.post(
            path,
            data=b"csrf_token=" + token.encode() + b"&" + body,
            content_type="application/x-www-form-urlencoded",
            base_url="https://id.example.com",
        )

    text = nasty.decode()
    answers = [browser.http.get(f"/signin/{text[:900]}", base_url="https://id.example.com")]
    browser.open(forecast)
    login = browser.follow().request.path
    token = Page(browser.page.text).tokens[None]
    answers += [
        post(login, token, b"identifier=" + nasty + b"&password=x"),
        post(login, token, b"identifier=ada&password=" + nasty),
        post(login, token, b"identifier=ada&identifier=kari&password=x"),
        browser.http.get(f"{login}?ui_locales={text}", base_url="https://id.example.com"),
    ]
    browser.get(login)
    chooser = browser.sign_in("ada").request.path
    tokens = Page(browser.page.text).tokens
    answers += [
        post(chooser, tokens[None], b"company=" + nasty),
        post(chooser, nasty.decode(), b"company=kvitberg"),
        browser.http.get(f"{chooser}?q={text}", base_url="https://id.example.com"),
    ]
    forecast.tokens(browser, choose="north-sea")
    token = Page(browser.get("/account").text).tokens["/account/stop"] or ""
    answers.append(post("/account/stop", token, b"client_id=" + nasty))

    assert [] == [(answer.request.path, answer.status_code) for answer in answers if answer.status_code >= 500]
