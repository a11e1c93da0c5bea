"""Signing out at the client's request: OpenID Connect RP-Initiated Logout 1.0."""

from urllib.parse import urlsplit

import pytest
from actors import PUBLIC_URL, Browser, Client, Forms, answer_of

from tests.ui.page import Page

HOME = "https://shop.example/bye"


@pytest.fixture
def shop(world):
    uris = [HOME, "https://shop.example/bye?lang=nb"]
    return Client.registered(world, "shop", client_metadata={"post_logout_redirect_uris": uris})


@pytest.fixture
def hint(world, browser, shop):
    """Ada's ID token; she is signed in."""
    world.user("ada")
    return shop.tokens(browser, user="ada")["id_token"]


def signed_in(browser, client):
    return "code" in browser.authorize(client, prompt="none")


def asks(page):
    return 200 == page.status_code and any(form["method"] == "post" for form in Forms.of(page.text))


def test_with_the_hint_the_session_ends_and_the_person_goes_on(world, browser, shop, hint):
    """§2, §3: to the registered address, with the state; the old cookie is dead (promise P22)."""
    cookie = browser.http.get_cookie("__Host-idp", "id.example.com").value

    page = browser.get("/oauth2/logout", id_token_hint=hint, post_logout_redirect_uri=HOME, state="a b&c")

    assert 303 == page.status_code
    assert f"{HOME}?state=a+b%26c" == page.headers["Location"]
    assert not signed_in(browser, shop)
    browser.http.set_cookie("__Host-idp", cookie, domain="id.example.com", secure=True)
    assert not signed_in(browser, shop)
    assert "session.ended" in world.events()


def test_tokens_of_the_session_end_with_it(world, browser, shop):
    """Grants without offline_access are the session's; with it they survive a sign-out."""
    world.user("ada")
    online = shop.tokens(browser, user="ada")
    offline = shop.tokens(browser, scope="openid offline_access")

    browser.get("/oauth2/logout", id_token_hint=online["id_token"])

    assert "invalid_grant" == shop.refresh(online["refresh_token"]).json["error"]
    assert {"active": False} == shop.introspect(online["access_token"]).json
    assert 200 == shop.refresh(offline["refresh_token"]).status_code
    assert 200 == shop.userinfo(offline["access_token"]).status_code


def test_expired_hint_counts(browser, shop, hint, clock):
    """§2: the OP should accept an ID token whose time is over."""
    clock.advance(hours=2)

    assert HOME == browser.get("/oauth2/logout", id_token_hint=hint, post_logout_redirect_uri=HOME).headers["Location"]


@pytest.mark.parametrize(
    "parameters", [{}, {"client_id": "shop"}, {"client_id": "shop", "post_logout_redirect_uri": HOME}]
)
def test_without_a_hint_the_person_is_asked(browser, shop, hint, parameters):
    """§2, §6: a link must not be able to sign people out."""
    page = browser.get("/oauth2/logout", **parameters)

    assert asks(page)
    assert signed_in(browser, shop)
    browser.get("/oauth2/logout", **parameters)
    after = browser.submit()
    assert parameters.get("post_logout_redirect_uri") == after.headers.get("Location")
    assert not signed_in(browser, shop)


def test_hint_of_another_person_asks_first(world, app, browser, shop, hint):
    """Bob's ID token does not end Ada's session behind her back."""
    world.user("bob")
    bobs = shop.tokens(Browser(app), user="bob")["id_token"]

    page = browser.get("/oauth2/logout", id_token_hint=bobs, post_logout_redirect_uri=HOME)

    assert asks(page)
    assert signed_in(browser, shop)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example",
        f"{HOME}/",
        f"{HOME}?x",
        "https://shop.example/callback",
        "//shop.example/bye",
        "/bye",
    ],
)
def test_only_registered_addresses_are_followed(browser, shop, hint, uri):
    """§3: byte for byte; otherwise a page, and the session lives."""
    page = browser.get("/oauth2/logout", id_token_hint=hint, post_logout_redirect_uri=uri)

    assert 400 == page.status_code
    assert "Location" not in page.headers
    assert signed_in(browser, shop)


def test_address_needs_to_know_its_client(browser, shop, hint):
    """§3: by the hint or by client_id; without both nobody registered it."""
    assert 400 == browser.get("/oauth2/logout", post_logout_redirect_uri=HOME).status_code


def test_client_id_must_be_the_hints(world, browser, shop, hint):
    """§2: the OP MUST verify that the client_id matches; so another client's hint opens nothing of ours."""
    home = "https://other.example/bye"
    other = Client.registered(world, "other", client_metadata={"post_logout_redirect_uris": [home]})

    mismatch = browser.get("/oauth2/logout", id_token_hint=hint, client_id="other", post_logout_redirect_uri=home)
    unknown = browser.get("/oauth2/logout", client_id="nobody")

    assert [400, 400] == [mismatch.status_code, unknown.status_code]
    assert signed_in(browser, other)


def test_hint_must_be_an_id_token_of_ours(browser, shop, hint, forgeries):
    """Forged ones, and access or refresh tokens, are refused as a page."""
    tokens = shop.redeem(browser.authorize(shop, prompt="none")["code"]).json
    bad = {**forgeries(hint), "access": tokens["access_token"], "refresh": tokens["refresh_token"]}
    del bad["too long"]

    answers = {how: browser.get("/oauth2/logout", id_token_hint=forged).status_code for how, forged in bad.items()}

    assert dict.fromkeys(bad, 400) == answers
    assert signed_in(browser, shop)


def posted_by_another_site(browser, **form):
    """The answer to a POST that brings no cookie, and the path to which it leads the browser."""
    stranger = browser.app.test_client(use_cookies=False)
    answer = stranger.post("/oauth2/logout", data=form, base_url=PUBLIC_URL)
    target = urlsplit(answer.headers.get("Location", ""))
    return answer, f"{target.path}?{target.query}"


def test_post_brings_no_cookie_and_still_signs_out(browser, shop, hint):
    """§2: GET and POST. The browser is led to GET the same, with its cookies; no ID token stands in the address."""
    posted, path = posted_by_another_site(
        browser, id_token_hint=hint, post_logout_redirect_uri=HOME, state="s", ui_locales="nb", extra="x"
    )
    end = browser.get(path)

    assert 303 == posted.status_code
    assert posted.headers["Location"].startswith(f"{PUBLIC_URL}/oauth2/logout?request=")
    assert {"request", "ui_locales"} == answer_of(posted).keys()
    assert hint not in posted.headers["Location"]
    assert f"{HOME}?state=s" == end.headers["Location"]
    assert not signed_in(browser, shop)


def test_post_without_a_hint_asks_on_the_page(browser, shop, hint):
    """§2, §6: then the answer leads where the client wanted."""
    _, path = posted_by_another_site(browser, client_id="shop", post_logout_redirect_uri=HOME, state="s")

    assert asks(browser.get(path))
    assert signed_in(browser, shop)
    browser.get(path)
    assert f"{HOME}?state=s" == browser.submit().headers["Location"]
    assert not signed_in(browser, shop)


@pytest.mark.parametrize("changes", [{"post_logout_redirect_uri": "https://evil.example"}, {"id_token_hint": "x.y.z"}])
def test_what_is_wrong_is_refused_at_the_post(browser, shop, hint, changes):
    posted, _ = posted_by_another_site(browser, **{"id_token_hint": hint, **changes})

    assert 400 == posted.status_code
    assert "Location" not in posted.headers


def test_a_sealed_request_is_ours_and_of_some_minutes(browser, shop, hint, clock):
    """Nobody writes an address into it (promise P2), and an old one ends nothing."""
    _, path = posted_by_another_site(browser, id_token_hint=hint, post_logout_redirect_uri=HOME)

    assert 400 == browser.get(f"{path}x").status_code
    assert 400 == browser.get("/oauth2/logout", request=hint).status_code
    clock.advance(minutes=11)
    assert 400 == browser.get(path).status_code
    assert signed_in(browser, shop)


def test_a_server_that_posts_learns_where_to_go(browser, shop, hint):
    """As zitadel's rp.EndSession does: a redirect is the place to send the browser to."""
    posted, path = posted_by_another_site(browser, id_token_hint=hint)

    assert 303 == posted.status_code
    assert 200 == browser.get(path).status_code
    assert not signed_in(browser, shop)


def test_the_page_says_who_was_told(world, browser, shop, hint):
    """Those with a back channel at once; the others when their access token is over."""
    metadata = {"backchannel_logout_uri": "https://board.example/out"}
    Client.registered(world, "board", client_name="Meter <Desk", client_metadata=metadata).tokens(browser)

    page = browser.get("/oauth2/logout", id_token_hint=hint)

    assert ["shop: within 5 minutes", "Meter <Desk: signed out"] == [item.text for item in Page(page.text).all("li")]


@pytest.mark.parametrize("token", ["x", "foreign"])
def test_confirmation_is_bound_to_the_browser(app, browser, shop, hint, token):
    """A form of another browser, or a made-up one, asks again and ends nothing."""
    other = Browser(app)
    foreign = "x"
    if token == "foreign":
        other.authorize(shop, user="ada")
        foreign = Forms.of(other.get("/oauth2/logout").text)[0]["fields"]["csrf_token"]

    page = browser.http.post("/oauth2/logout", data={"csrf_token": foreign}, base_url=PUBLIC_URL)

    assert asks(page)
    assert signed_in(browser, shop)


def test_confirmation_in_the_query_is_not_read(browser, shop, hint):
    """A GET changes nothing without the hint, whatever it carries."""
    token = Forms.of(browser.get("/oauth2/logout").text)[0]["fields"]["csrf_token"]

    page = browser.get("/oauth2/logout", csrf_token=token)

    assert asks(page)
    assert signed_in(browser, shop)


def test_nobody_signed_in_is_no_error(app, shop, hint):
    """The session ended elsewhere: on to the client, or a page that says so."""
    browser = Browser(app)

    assert HOME == browser.get("/oauth2/logout", id_token_hint=hint, post_logout_redirect_uri=HOME).headers["Location"]
    assert 200 == browser.get("/oauth2/logout").status_code


def test_registered_query_survives(browser, shop, hint):
    """The address as it was registered, the state behind it."""
    page = browser.get(
        "/oauth2/logout", id_token_hint=hint, post_logout_redirect_uri="https://shop.example/bye?lang=nb", state="s"
    )

    assert "https://shop.example/bye?lang=nb&state=s" == page.headers["Location"]


def test_repeated_parameter_is_a_page(browser, hint):
    """RFC 6749 §3.1's rule holds here too."""
    assert 400 == browser.get("/oauth2/logout", id_token_hint=[hint, hint]).status_code


def test_confirmation_is_for_its_own_request_and_from_our_own_page(world, browser, client):
    """The token of one page confirms no other request, and no page of another origin posts it."""
    world.user("ada")
    browser.authorize(client, user="ada")
    browser.get("/oauth2/logout")
    form = next(form for form in Forms.of(browser.page.text) if "csrf_token" in form["fields"])

    foreign = browser.http.post(
        "/oauth2/logout", data=form["fields"], base_url=PUBLIC_URL, headers={"Origin": "https://evil.example"}
    )
    browser.get("/oauth2/logout", client_id=client.client_id)
    other = next(form for form in Forms.of(browser.page.text) if "csrf_token" in form["fields"])
    crossed = browser.http.post(
        "/oauth2/logout",
        data={**other["fields"], "csrf_token": form["fields"]["csrf_token"]},
        base_url=PUBLIC_URL,
        headers={"Origin": PUBLIC_URL},
    )

    for answer in (foreign, crossed):
        assert "csrf_token" in answer.text
    assert "code" in browser.authorize(client, prompt="none")
