"""Requests that wait for their user: one browser each (Keycloak CVE-2026-7507), and the ways back."""

import re
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
from actors import PASSWORD, PUBLIC_URL, Browser, Client, Forms, answer_of, unverified

from idp.oauth import codes


@pytest.fixture
def shop(world):
    return Client.registered(world, "shop", consent="ask")


def open_login(browser, client, **parameters):
    """The path of the login page that a request waits at."""
    browser.open(client, **parameters)
    browser.follow()
    return browser.page.request.path


def test_handle_is_nothing_in_another_browser(world, app, shop):
    """Planted links: the page of one browser does not open in another, with or without a session there."""
    world.user("ada")
    attacker, victim = Browser(app), Browser(app)
    login = open_login(attacker, shop)
    other = Client.registered(world, "other")
    victim.authorize(other, user="ada")

    for page in ("", "/company", "/consent"):
        assert 400 == victim.get(f"{login}{page}").status_code
        assert 400 == Browser(app).get(f"{login}{page}").status_code
    assert 200 == attacker.get(login).status_code


def test_handle_as_request_uri_is_nothing_in_another_browser(world, app, client):
    """Nor does the authorization endpoint complete it there: once a browser came with it, it is nobody else's."""
    world.user("ada")
    attacker, victim = Browser(app), Browser(app)
    posted = attacker.http.post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    target = urlsplit(posted.headers["Location"])
    victim.authorize(client, user="ada")
    link = f"{target.path}?{target.query}"
    attacker.get(link)

    planted = victim.get(link)
    own = attacker.get(link)

    assert 400 == planted.status_code
    assert own.headers["Location"].startswith("/signin/")


def test_handle_of_our_own_pages_is_no_authorization_request(browser):
    """A sign-in for /account waits in the same table, and leads to no client."""
    browser.get("/account")
    handle = browser.page.headers["Location"].rsplit("/", 1)[1]

    for more in ({}, {"client_id": ""}, {"client_id": "shop"}):
        page = browser.get("/oauth2/authorize", request_uri=f"urn:ietf:params:oauth:request_uri:{handle}", **more)
        assert 400 == page.status_code


def test_planted_post_completes_only_what_the_victim_could_ask(world, app, client):
    """A posted request that nobody opened yet is a link like any other: the first browser has it."""
    world.user("ada")
    victim = Browser(app)
    victim.authorize(client, user="ada")
    posted = app.test_client().post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    link = posted.headers["Location"].removeprefix(PUBLIC_URL)

    assert "code" in answer_of(victim.get(link))
    assert 400 == victim.get(link).status_code


@pytest.mark.parametrize("handle", ["x", "A" * 22, "A" * 5000, "%00", "..", "%2e%2e", "é", ";a=b"])
def test_unknown_handles_are_a_page(browser, handle):
    """Whatever it is: "Please start again", never a failure."""
    assert browser.get(f"/signin/{handle}").status_code in (400, 404)


def test_page_is_over_after_ten_minutes(world, browser, client, clock):
    """The request waits as long as a person needs."""
    login = open_login(browser, client)
    clock.advance(599)
    before = browser.get(login).status_code
    clock.advance(1)

    assert (200, 400) == (before, browser.get(login).status_code)


def test_tabs_wait_side_by_side(world, app, client):
    """Two requests of one browser: signing in for one, the other goes on by itself."""
    world.user("ada")
    browser = Browser(app)
    first = open_login(browser, client, state="one")
    second = open_login(browser, client, state="two")
    browser.get(first)

    one = answer_of(browser.sign_in("ada"))
    two = answer_of(browser.get(second))

    assert ("one", "two") == (one["state"], two["state"])
    assert [200, 200] == [client.redeem(found["code"]).status_code for found in (one, two)]


def test_posting_the_other_tabs_login_page_leads_on_too(world, app, client):
    """The form that was open before the sign-in elsewhere is not a dead end."""
    world.user("ada")
    browser = Browser(app)
    open_login(browser, client, state="one")
    stale = browser.page
    open_login(browser, client, state="two")
    browser.sign_in("ada")
    browser.page = stale

    browser.submit(identifier="ada", password=PASSWORD)

    assert "one" == answer_of(browser.follow())["state"]


def test_browser_keeps_its_ten_newest_requests(world, app, client, clock):
    """Nothing grows, the cookie has one size, and other browsers are untouched."""
    browser, other = Browser(app), Browser(app)
    elsewhere = open_login(other, client)
    pages = []
    for number in range(12):
        clock.advance(1)
        pages.append(open_login(browser, client, state=str(number)))

    assert 11 == world.count("authorization_request")
    assert [400, 400, 200] == [browser.get(page).status_code for page in (*pages[:2], pages[2])]
    assert 200 == other.get(elsewhere).status_code


def test_address_keeps_a_bounded_number(world, app, client, clock):
    """Without cookies nobody fills the table: 429, Retry-After; other addresses go on."""
    world.execute(
        "INSERT INTO authorization_request (hash, client_id, source, parameters, network, created_at, expires_at)"
        " SELECT sha256(n::text::bytea), 'shop', 'plain', '{}', '127.0.0.1', %(now)s, %(now)s + interval '1 min'"
        " FROM generate_series(1, 5000) n",
        now=clock(),
    )
    ask = {"query_string": client.parameters(), "base_url": PUBLIC_URL}

    full = app.test_client().get("/oauth2/authorize", **ask)
    posted = app.test_client().post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    elsewhere = app.test_client().get("/oauth2/authorize", **ask, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    silent = app.test_client().get("/oauth2/authorize", **{**ask, "query_string": client.parameters(prompt="none")})
    clock.advance(60)
    later = app.test_client().get("/oauth2/authorize", **ask)

    assert [429, 429] == [full.status_code, posted.status_code]
    assert "60" == full.headers["Retry-After"]
    assert full.content_type.startswith("text/html")
    assert [303, 303, 303] == [answer.status_code for answer in (elsewhere, silent, later)]


def test_stored_request_cannot_be_changed(world, browser, client):
    """Parameters beside the handle are not read (Keycloak CVE-2026-7571)."""
    world.user("ada")
    posted = browser.http.post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    link = posted.headers["Location"].removeprefix(PUBLIC_URL)
    browser.get(f"{link}&scope=openid+email&redirect_uri=https%3A%2F%2Fevil.example&state=evil&prompt=none")
    browser.follow()

    answer = answer_of(browser.sign_in("ada"))

    assert browser.page.headers["Location"].startswith(f"{client.redirect_uri}?")
    assert "st4te" == answer["state"]
    assert "openid" == client.redeem(answer["code"]).json["scope"]


def test_only_known_parameters_are_kept(world, browser, client):
    """The row has an allow-list: no secret that a client sends by mistake is stored."""
    browser.open(client, client_secret="s3cret", password="s3cret", extra="s3cret")

    assert "s3cret" not in str(world.execute("SELECT parameters FROM authorization_request"))


def test_page_that_is_not_needed_leads_to_the_one_that_is(world, browser, shop):
    """A typed address skips nothing: consent before sign-in is the sign-in."""
    world.user("ada")
    login = open_login(browser, shop)

    consent = browser.get(f"{login}/consent")
    browser.get(login)
    browser.sign_in("ada")
    back = browser.get(login)

    assert login == consent.headers["Location"]
    assert f"{login}/consent" == back.headers["Location"]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ("UPDATE company SET disabled_at = now()", "access_denied"),
        ("UPDATE member SET suspended_at = now()", "access_denied"),
        ("UPDATE company SET policy = '{\"second_factor\": true}'", "unmet_authentication_requirements"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_ended_meanwhile_leads_back_with_its_error(world, browser, shop, end, error, method):
    """The company was taken away while the page was open: the client learns it, no page is a dead end."""
    world.user("ada", [world.company("north")])
    open_login(browser, shop, company="north")
    browser.sign_in("ada")
    world.execute(end)

    if method == "GET":
        browser.get(browser.page.request.path)
    else:
        browser.submit(button=("decision", "allow"))

    assert error == answer_of(browser.page)["error"]
    assert 0 == world.count("oauth_grant")


def test_client_that_was_disabled_meanwhile_is_a_page(world, browser, shop):
    """Its address is no longer trusted."""
    world.user("ada")
    open_login(browser, shop)
    browser.sign_in("ada")
    world.execute("UPDATE client SET disabled_at = now()")
    world.forget_cache()

    response = browser.submit(button=("decision", "allow"))

    assert 400 == response.status_code
    assert "Location" not in response.headers


def test_session_that_ended_meanwhile_asks_to_sign_in(world, browser, shop):
    """Consent is nobody's without a session."""
    world.user("ada")
    login = open_login(browser, shop)
    browser.sign_in("ada")
    world.execute("UPDATE sso_session SET ended_at = now()")

    assert login == browser.get(f"{login}/consent").headers["Location"]
    assert 0 == world.count("consent")


@pytest.mark.parametrize("change", ["missing", "foreign browser", "other form", "cut"])
def test_forms_carry_a_token_of_their_browser_and_purpose(world, app, shop, change):
    """CSRF (promise P21): nothing is done without it."""
    world.user("ada")
    browser, other = Browser(app), Browser(app)
    open_login(browser, shop)
    browser.sign_in("ada")
    open_login(other, shop)
    forms = Forms.of(browser.page.text)
    own = next(form for form in forms if "decision" in form["names"])["fields"]["csrf_token"]
    token = {
        "missing": None,
        "foreign browser": Forms.of(other.page.text)[0]["fields"]["csrf_token"],
        "other form": next(form for form in forms if "decision" not in form["names"] and form["fields"])["fields"][
            "csrf_token"
        ],
        "cut": own[:-1],
    }[change]
    data = {"decision": "allow"} | ({"csrf_token": token} if token else {})

    response = browser.http.post(browser.page.request.path, data=data, base_url=PUBLIC_URL)

    assert 400 == response.status_code
    assert 0 == world.count("consent") == world.count("oauth_grant")


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_posts_of_other_sites_are_refused(world, browser, shop, headers):
    """Where the browser says where a POST comes from, it must be us."""
    world.user("ada")
    open_login(browser, shop)
    browser.sign_in("ada")
    form = next(form for form in Forms.of(browser.page.text) if "decision" in form["names"])
    data = {**form["fields"], "decision": "allow"}

    response = browser.http.post(browser.page.request.path, data=data, base_url=PUBLIC_URL, headers=headers)

    assert 403 == response.status_code
    assert 0 == world.count("oauth_grant")


def test_sign_in_renews_what_the_browser_holds(world, browser, client):
    """Session fixation: the secret from before the sign-in is worth nothing afterwards (promise P22)."""
    world.user("ada")
    login = open_login(browser, client, prompt="consent")
    before = browser.http.get_cookie("__Host-idp-tx", "id.example.com").value
    browser.sign_in("ada")
    assert 200 == browser.get(f"{login}/consent").status_code
    stolen = browser.app.test_client()
    stolen.set_cookie("__Host-idp-tx", before, domain="id.example.com", secure=True)

    assert 400 == stolen.get(f"{login}/consent", base_url=PUBLIC_URL).status_code


def test_answer_to_a_form_is_303(world, browser, client):
    """Never 307: the password would be posted to the client (RFC 9700 §4.12)."""
    world.user("ada")
    open_login(browser, client)
    browser.submit(identifier="ada", password=PASSWORD)

    assert 303 == browser.page.status_code
    assert browser.page.headers["Location"].startswith(client.redirect_uri)


def test_urls_of_pages_carry_nothing_of_the_request(world, browser, client):
    """Only a handle: no state, no address, no hint reaches a log or a Referer."""
    login = open_login(browser, client, login_hint="ada@example.com", state="s3cret")

    assert re.fullmatch(r"/signin/[A-Za-z0-9_-]{22}", login)


def test_another_person_may_sign_in_instead(world, browser, shop):
    """ "Not you?" ends the session first; the next person gets a session of their own."""
    world.user("ada")
    world.user("bob")
    open_login(browser, shop)
    browser.sign_in("ada")
    forms = Forms.of(browser.page.text)
    other = next(number for number, form in enumerate(forms) if (form["action"] or "").endswith("/other-account"))

    browser.submit(index=[form for form in forms if form["method"] == "post"].index(forms[other]))
    browser.follow()
    browser.sign_in("bob")
    browser.submit(button=("decision", "allow"))

    tokens = shop.redeem(answer_of(browser.follow())["code"]).json
    assert "sub-bob" == unverified(tokens["id_token"])["sub"]
    assert 1 == world.execute("SELECT count(*) FROM sso_session WHERE ended_at IS NULL")[0][0]


@pytest.fixture(params=["pushed", "posted"])
def kept(request, client):
    """The request_uri of a request that is kept here."""
    if request.param == "pushed":
        return client.push().json["request_uri"]
    posted = client.http.post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    return parse_qs(urlsplit(posted.headers["Location"]).query)["request_uri"][0]


def test_a_kept_request_is_answered_once(world, browser, client, kept):
    """However it came (RFC 9126 §4): who comes again starts again."""
    world.user("ada")
    browser.authorize(client, user="ada")

    assert "code" in answer_of(browser.open_pushed(client, kept))
    assert 0 == world.count("authorization_request")
    assert 400 == browser.open_pushed(client, kept).status_code


def test_of_two_answers_at_once_one_counts(world, app, browser, client, kept, at_once, monkeypatch):
    """Both found the request waiting; one grant begins, with one code."""
    world.user("ada")
    browser.authorize(client, user="ada")
    twins, both, begin = [_twin(app, browser), _twin(app, browser)], Barrier(2, timeout=20), codes.begin
    monkeypatch.setattr(codes, "begin", lambda *new: (both.wait(), begin(*new))[1])

    pages = at_once(2, lambda: twins.pop().open_pushed(client, kept))

    assert [303, 400] == sorted(page.status_code for page in pages)
    assert 2 == world.count("oauth_grant")
    assert 2 == world.count("authorization_code")


def test_of_allow_and_deny_at_once_one_counts(world, app, browser, shop, monkeypatch):
    """A denial that comes first leaves nothing to allow; one that comes late is told so."""
    world.user("ada")
    browser.open(shop)
    browser.follow()
    browser.sign_in("ada")
    other, begin = _twin(app, browser), codes.begin
    other.get(browser.page.request.path)

    def denied_meanwhile(*new):
        other.submit(button=("decision", "deny"))
        return begin(*new)

    monkeypatch.setattr(codes, "begin", denied_meanwhile)
    page = browser.submit(button=("decision", "allow"))

    assert "access_denied" == answer_of(other.page)["error"]
    assert (400, 0) == (page.status_code, world.count("oauth_grant"))


def _twin(app, browser):
    """The same browser, in another thread."""
    twin = Browser(app)
    for cookie in browser.http._cookies.values():
        twin.http.set_cookie(cookie.key, cookie.value, domain="id.example.com", secure=True)
    return twin
