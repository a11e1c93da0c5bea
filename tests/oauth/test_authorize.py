"""The authorization endpoint: RFC 6749 §3.1, §4.1, OpenID Connect Core §3.1.2, RFC 9700 §2.1, RFC 8252 §7.3."""

from urllib.parse import urlencode, urlsplit

import pytest
from actors import PUBLIC_URL, Browser, Client, answer_of, unverified

FORM = "application/x-www-form-urlencoded"


def is_page(response):
    """An error page for a person, never a redirect, and never a word of the request's own markup."""
    assert 400 == response.status_code
    assert response.content_type.startswith("text/html")
    assert "Location" not in response.headers
    assert "<script>" not in response.text
    return True


# -- redirect URIs


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "https://shop.example/callback/",
        "https://shop.example/callback?x=1",
        "https://shop.example/callback#",
        "https://shop.example/Callback",
        "https://shop.example/callback%2F..",
        "https://shop.example/./callback",
        "https://shop.example/x/../callback",
        "https://shop.example:443/callback",
        "https://SHOP.example/callback",
        "HTTPS://shop.example/callback",
        "http://shop.example/callback",
        "https://shop.example\t/callback",
        "https://shop.example/callback\r\n",
        " https://shop.example/callback",
        "https://user@shop.example/callback",
        "https://shop.example@evil.example/callback",
        "https://shop.example/callback<script>",
        "https://evil.example/?https://shop.example/callback",
        "//shop.example/callback",
        "/callback",
        "javascript:alert(1)//",
        "http://127.0.0.1:8000/callback",
    ],
)
def test_redirect_uri_is_compared_byte_for_byte(browser, client, uri):
    """RFC 9700 §4.1.3: simple string comparison; anything else is a page (promise P1)."""
    assert is_page(browser.open(client, redirect_uri=uri))


@pytest.mark.parametrize("bad", [{"code_challenge": None}, {"prompt": "none login"}, {"response_type": None}])
def test_redirect_uri_comes_before_anything_else(browser, client, bad):
    """A request with other faults too is not led to an address that is not registered."""
    assert is_page(browser.open(client, redirect_uri="https://evil.example", **bad))


@pytest.mark.parametrize("client_id", [None, "", "nobody", "SHOP", "shop ", "<script>", ["shop", "shop"]])
def test_unknown_client_is_a_page(browser, client, client_id):
    """RFC 6749 §4.1.2.1."""
    assert is_page(browser.open(client, client_id=client_id))


def test_repeated_redirect_uri_is_a_page(browser, client):
    """Also with the same value: which one would a later check read?"""
    assert is_page(browser.open(client, redirect_uri=[client.redirect_uri] * 2))


def test_disabled_client_is_a_page(world, browser, client):
    """Its users are not sent there any more."""
    world.execute("UPDATE client SET disabled_at = now()")

    assert is_page(browser.open(client))


def test_another_clients_address_is_a_page(world, browser, client):
    """Each client has its own list."""
    other = Client.registered(world, "other")

    assert is_page(browser.open(client, redirect_uri=other.redirect_uri))


def test_one_of_several_registered_addresses(world, browser):
    """The one that was asked for, and its query survives (RFC 6749 §3.1.2)."""
    uris = ["https://a.example/cb", "https://b.example/cb?tenant=a%20b&x=", "com.example.app:/cb"]
    client = Client.registered(world, "shop", redirect_uris=uris)

    for uri in uris:
        location = browser.open(client, redirect_uri=uri, prompt="none").headers["Location"]
        assert location.startswith(f"{uri}{'&' if '?' in uri else '?'}error=login_required&")


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("http://127.0.0.1/cb", True),
        ("http://127.0.0.1:49152/cb", True),
        ("http://[::1]:8080/cb", True),
        ("http://localhost:8080/cb", False),
        ("http://127.0.0.2:8080/cb", False),
        ("http://127.0.0.1:8080/other", False),
        ("http://127.0.0.1:8080/cb?x", False),
        ("http://127.0.0.1:8080x/cb", False),
        ("http://127.0.0.1:123456/cb", False),
        ("http://127.0.0.1:80@evil.example/cb", False),
        ("http://127.0.0.1:1\n/cb", False),
        ("https://127.0.0.1:8080/cb", False),
    ],
)
def test_native_clients_loopback_port_is_free(world, browser, uri, taken):
    """RFC 8252 §7.3: any port on the loopback address, all else exact; `localhost` is a name, not an address."""
    registered = ["http://127.0.0.1/cb", "http://[::1]/cb"]
    native = Client.registered(
        world, "cli", public=True, redirect_uris=registered, client_metadata={"application_type": "native"}
    )
    web = Client.registered(world, "web", public=True, redirect_uris=registered)

    response = browser.open(native, redirect_uri=uri, prompt="none")

    assert (303 if taken else 400) == response.status_code
    if uri not in registered:
        assert is_page(browser.open(web, redirect_uri=uri, prompt="none"))


# -- errors that go back to the client


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": ["code", "code"]}, "invalid_request"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"response_mode": ["form_post", "query"]}, "invalid_request"),
        ({"scope": ["openid", "email"]}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none none none consent"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "9" * 40}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "invalid_request_object"),
        ({"request_uri": "https://shop.example/request"}, "invalid_request_uri"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_errors_go_back_by_redirect(browser, client, changes, error):
    """RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6: with state and iss, in the query, and nothing else."""
    location = urlsplit(browser.open(client, **changes).headers["Location"])
    answer = answer_of(browser.page)

    assert "https://shop.example/callback" == f"{location.scheme}://{location.netloc}{location.path}"
    assert "" == location.fragment
    assert {"error", "error_description", "state", "iss"} == answer.keys()
    assert (error, "st4te") == (answer["error"], answer["state"])
    # §4.1.2.1: %x20-21 / %x23-5B / %x5D-7E
    assert all(" " <= char <= "~" and char not in '"\\' for char in answer["error_description"])


def test_unregistered_response_type_is_unauthorized_client(world, browser):
    """RFC 6749 §4.1.2.1."""
    client = Client.registered(world, "shop", response_types=[])

    assert "unauthorized_client" == browser.authorize(client)["error"]


@pytest.mark.parametrize(
    "state", ["", "a b+c", "%", "&=#?/", "ünïcödé 🎉", "<script>", "\r\nSet-Cookie: x=y", "s" * 2000, "~-._" * 32]
)
def test_state_comes_back_as_it_was(browser, client, state):
    """Byte for byte, in errors too (promise P11); an empty one counts as not sent (RFC 6749 §3.1)."""
    response = browser.open(client, prompt="none", state=state)

    assert state == answer_of(response).get("state", "")
    assert "Set-Cookie" not in response.headers


def test_repeated_state_comes_back_in_no_form(browser, client):
    """Which of them would the client believe?"""
    answer = browser.authorize(client, prompt="none", state=["a", "b"])

    assert "invalid_request" == answer["error"]
    assert "state" not in answer


def test_unknown_scopes_are_left_out_and_the_answer_says_so(world, browser):
    """OpenID Connect Core §3.1.2.1: unknown scopes SHOULD be ignored; what is not registered is not granted."""
    client = Client.registered(world, "shop", scopes=["openid", "email"])
    world.user("ada")

    tokens = client.tokens(browser, user="ada", scope="email unknown openid profile")

    assert "email openid" == tokens["scope"]


def test_default_scope_is_what_was_registered(world, browser):
    """RFC 6749 §3.3; without a registration every OpenID Connect scope; offline access only on request."""
    some = Client.registered(world, "some", scopes=["openid", "email", "offline_access"])
    any_ = Client.registered(world, "any", scopes=[])
    world.user("ada")

    assert "email openid" == some.tokens(browser, user="ada", scope=None)["scope"]
    assert "address companies email openid phone profile" == any_.tokens(browser, scope=None)["scope"]


def test_offline_access_means_nothing_without_the_refresh_grant(world, browser):
    """OpenID Connect Core §11."""
    client = Client.registered(world, "shop", grant_types=["authorization_code"])
    world.user("ada")

    tokens = client.tokens(browser, user="ada", scope="openid offline_access")

    assert "openid" == tokens["scope"]
    assert "refresh_token" not in tokens


def test_unknown_parameters_and_hints_are_ignored(world, browser, client):
    """§3.1.2.1; libraries send their own (x-client-SKU, client_info, …), repeated ones too."""
    world.user("ada")
    more = {
        "display": "popup",
        "ui_locales": "nb-NO xx *",
        "claims_locales": "se",
        "login_hint": "ada@example.com",
        "acr_values": "urn:idp:1fa 2",
        "client_info": "1",
        "extra": ["a", "b"],
        "x-client-SKU": "<script>",
    }

    assert "code" in browser.authorize(client, user="ada", **more)


# -- who is asked, and when


def test_prompt_none_asks_nobody(world, browser, client, clock):
    """§3.1.2.1: login_required without a session; with one no page, and the same sign-in."""
    world.user("ada")
    before = browser.authorize(client, prompt="none")
    first = client.tokens(browser, user="ada")
    clock.advance(60)

    response = browser.open(client, prompt="none")
    again = client.redeem(answer_of(response)["code"]).json

    assert "login_required" == before["error"]
    same = ("sub", "auth_time", "sid")
    one, two = unverified(first["id_token"]), unverified(again["id_token"])
    assert [one[name] for name in same] == [two[name] for name in same]


@pytest.mark.parametrize("prompt", ["login", "login consent", "consent login"])
def test_prompt_login_asks_again_and_moves_auth_time(world, browser, client, clock, prompt):
    """§3.1.2.1: the time of the new credential check; the session and its `sid` stay the same person's."""
    world.user("ada")
    first = unverified(client.tokens(browser, user="ada")["id_token"])
    clock.advance(1)

    browser.open(client, prompt=prompt)
    page = browser.follow()
    second = unverified(client.tokens(browser, user="ada", prompt=prompt)["id_token"])

    assert "password" in page.text
    assert 1 == second["auth_time"] - first["auth_time"]
    assert first["sid"] == second["sid"]


def test_earlier_sign_in_does_not_answer_prompt_login(world, app, client, clock):
    """Only a sign-in after the request began; another request's page does not count backwards."""
    world.user("ada")
    browser = Browser(app)
    browser.authorize(client, user="ada")
    clock.advance(1)
    browser.open(client, prompt="login")
    login = browser.page.headers["Location"]

    browser.get(urlsplit(login).path)

    assert 200 == browser.page.status_code
    assert "password" in browser.page.text


def test_max_age_counts_from_the_credential_check(world, browser, client, clock):
    """§3.1.2.1: older than that, the user is asked; younger, nobody; 0 is prompt=login."""
    world.user("ada")
    first = unverified(client.tokens(browser, user="ada")["id_token"])
    clock.advance(100)

    young = browser.authorize(client, prompt="none", max_age="15000")
    edge = browser.authorize(client, prompt="none", max_age="100")
    old = browser.authorize(client, prompt="none", max_age="99")
    zero = browser.authorize(client, prompt="none", max_age="0")
    again = unverified(client.tokens(browser, user="ada", max_age="99")["id_token"])

    assert first["auth_time"] == unverified(client.redeem(young["code"]).json["id_token"])["auth_time"]
    assert "code" in edge
    assert ["login_required"] * 2 == [old["error"], zero["error"]]
    assert 100 == again["auth_time"] - first["auth_time"]


def test_login_hint_fills_the_page_and_nothing_more(world, browser, client):
    """§3.1.2.1: a hint about the name; escaped, and no proof of anything."""
    world.user("ada")
    browser.open(client, login_hint='ada"><script>alert(1)</script>')

    page = browser.follow()

    assert "ada&#34;&gt;&lt;script&gt;" in page.text
    assert "<script>" not in page.text


def test_id_token_hint_of_the_signed_in_person(world, browser, client):
    """§3.1.2.1 with prompt=none: the same person, no page."""
    world.user("ada")
    hint = client.tokens(browser, user="ada")["id_token"]

    assert "code" in browser.authorize(client, prompt="none", id_token_hint=hint)


def test_id_token_hint_of_somebody_else(world, app, browser, client, clock):
    """§3.1.2.1: nobody is signed in whom it names: login_required, with and without a page."""
    world.user("ada")
    world.user("bob")
    hint = client.tokens(Browser(app), user="bob")["id_token"]
    browser.authorize(client, user="ada")
    clock.advance(1)

    silent = browser.authorize(client, prompt="none", id_token_hint=hint)
    browser.open(client, id_token_hint=hint)
    asked = browser.follow()
    clock.advance(1)
    browser.submit(password="correct horse battery staple")
    wrong = browser.follow()

    assert "login_required" == silent["error"]
    assert "password" in asked.text
    assert "login_required" == answer_of(wrong)["error"]


def test_id_token_hint_leads_to_its_person_after_their_sign_in(world, app, client, clock):
    """Whom it names signs in: the answer is positive."""
    world.user("bob")
    hint = client.tokens(Browser(app), user="bob")["id_token"]
    clock.advance(1)

    assert "code" in Browser(app).authorize(client, user="bob", id_token_hint=hint)


def test_acr_is_one_that_discovery_announces(world, browser, client):
    """§5.5.1.1: acr_values is voluntary, the answer says what was done."""
    world.user("ada")
    announced = client.http.get("/.well-known/openid-configuration").json["acr_values_supported"]

    tokens = client.tokens(browser, user="ada", acr_values=" ".join(announced))

    assert unverified(tokens["id_token"])["acr"] in announced


# -- POST


def test_post_works_without_cookies_at_first(world, browser, client):
    """§3.1.2.1: GET and POST. A cross-site POST brings no cookie: it is kept, and the browser GETs it."""
    world.user("ada")
    browser.authorize(client, user="ada")
    stranger = browser.app.test_client(use_cookies=False)

    posted = stranger.post("/oauth2/authorize", data=client.parameters(state="p0st"), base_url=PUBLIC_URL)
    target = urlsplit(posted.headers["Location"])
    browser.get(f"{target.path}?{target.query}")

    assert 303 == posted.status_code
    assert PUBLIC_URL == f"{target.scheme}://{target.netloc}"
    assert "Set-Cookie" not in posted.headers
    assert "p0st" == answer_of(browser.page)["state"]
    assert 200 == client.redeem(answer_of(browser.page)["code"]).status_code


def test_posted_request_leads_to_sign_in(world, browser, client):
    """The whole way, for a browser that nobody signed in at."""
    world.user("ada")
    browser.page = browser.http.post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    browser.follow()

    assert "code" in answer_of(browser.sign_in("ada"))


def test_posted_request_is_judged_as_any_other(browser, client):
    """A foreign address is a page; other faults go back to the client; the query of a POST is not read."""
    http = browser.http
    foreign = http.post("/oauth2/authorize", data=client.parameters(redirect_uri="https://evil.example"))
    query = http.post(f"/oauth2/authorize?{urlencode(client.parameters())}", data={"scope": "openid"})
    repeated = http.post("/oauth2/authorize", data=client.parameters(scope=["openid", "openid"]), base_url=PUBLIC_URL)
    browser.page = repeated
    text = http.post("/oauth2/authorize", data="x", content_type="text/plain")

    assert is_page(foreign)
    assert is_page(query)
    assert "invalid_request" == answer_of(browser.follow())["error"]
    assert 415 == text.status_code


def test_posted_request_is_over_after_a_minute(world, browser, client, clock):
    """Until the first visit 60 s; and only with its client's id (RFC 9126 §4)."""
    other = Client.registered(world, "other")
    posted = browser.http.post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    target = urlsplit(posted.headers["Location"])

    stolen = browser.get(f"{target.path}?{target.query.replace('shop', other.client_id)}")
    clock.advance(61)
    late = browser.get(f"{target.path}?{target.query}")

    assert is_page(stolen)
    assert is_page(late)


# -- headers


def test_redirects_may_be_framed_and_pages_may_not(world, browser, client):
    """Silent renewal runs in an iframe: no frame-blocking header on the answers of prompt=none; pages have it."""
    world.user("ada")
    errors = browser.open(client, prompt="none")
    login = browser.open(client) and browser.follow()
    browser.authorize(client, user="ada")
    success = browser.open(client, prompt="none")
    page = browser.open(client, redirect_uri="https://evil.example")

    for redirect in (errors, success):
        assert 303 == redirect.status_code
        assert not {"X-Frame-Options", "Content-Security-Policy"} & {name for name, _ in redirect.headers}
        assert "no-store" == redirect.headers["Cache-Control"]
    for shown in (login, page):
        assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]
        assert "no-store" == shown.headers["Cache-Control"]


def test_host_header_builds_no_url(world, client, app):
    """Promise P28: the way to the page is relative, and everything else is the issuer's."""
    world.user("ada")
    http = app.test_client()
    evil = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example"}

    asked = http.get(
        "/oauth2/authorize", query_string=client.parameters(), headers=evil, base_url="http://evil.example"
    )
    posted = http.post("/oauth2/authorize", data=client.parameters(), headers=evil, base_url="http://evil.example")
    page = http.get(asked.headers["Location"], headers=evil, base_url="http://evil.example")

    assert asked.headers["Location"].startswith("/signin/")
    assert posted.headers["Location"].startswith(f"{PUBLIC_URL}/oauth2/authorize?")
    assert "evil" not in page.text
