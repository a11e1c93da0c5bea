"""Applications see in the browser that the sign-in changed: OpenID Connect Session Management 1.0."""

import base64
import hashlib
import re

import pytest
from actors import Browser, Client, Forms, unverified

COOKIE = "__Host-idp-state"


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"extensions": ("+session_management",)})


@pytest.fixture
def shop(world):
    world.user("ada")
    return Client.registered(world, "shop")


def state_of(browser):
    found = browser.http.get_cookie(COOKIE, "id.example.com")
    return found.value if found else None


def holds(session_state, client_id, browser_state, origin="https://shop.example"):
    """As the frame computes it (§3.2)."""
    hashed, salt = session_state.split(".")
    return hashed == hashlib.sha256(f"{client_id} {origin} {browser_state} {salt}".encode()).hexdigest()


def test_every_answer_says_the_state_and_the_cookie_says_it_too(world, browser, shop):
    """§2: of the client, its origin and the browser's state, with a salt; no space in it."""
    board = Client.registered(world, "board")
    first = browser.authorize(shop, user="ada")["session_state"]
    second = browser.authorize(shop, prompt="none")["session_state"]
    other = browser.authorize(board)["session_state"]

    assert first != second
    assert all(re.fullmatch(r"[0-9a-f]{64}\.[0-9a-f]{16}", each) for each in (first, second, other))
    assert all(holds(each, "shop", state_of(browser)) for each in (first, second))
    assert holds(other, "board", state_of(browser), "https://board.example")


def test_the_cookie_can_be_read_and_holds_no_secret(browser, shop):
    """Promise P23's one exception: a digest of the sid, which the clients have anyway; not sent by plain HTTP."""
    answer = browser.open(shop)
    browser.follow()
    browser.sign_in("ada")
    [sent] = [header for header in browser.page.headers.getlist("Set-Cookie") if header.startswith(COOKIE)]
    sid = unverified(shop.tokens(browser)["id_token"])["sid"]

    assert answer.status_code == 303
    assert hashlib.sha256(f"session state {sid}".encode()).hexdigest() == state_of(browser)
    assert {"Secure", "SameSite=None", "Path=/", "Max-Age=43200"} <= {part.strip() for part in sent.split(";")}
    assert "HttpOnly" not in sent
    assert "Domain" not in sent


def test_signing_out_changes_the_state(browser, shop):
    tokens = shop.tokens(browser, user="ada")
    browser.get("/oauth2/logout", id_token_hint=tokens["id_token"])

    assert state_of(browser) is None


def test_another_session_is_another_state(app, browser, shop):
    browser.authorize(shop, user="ada")
    other = Browser(app)
    other.authorize(shop, user="ada")

    assert state_of(browser) != state_of(other)


def test_the_same_person_again_changes_nothing(browser, shop):
    before = browser.authorize(shop, user="ada") and state_of(browser)
    browser.authorize(shop, user="ada", prompt="login")

    assert before == state_of(browser)


def test_a_session_that_ended_elsewhere_is_seen_at_the_next_answer(world, browser, shop):
    browser.authorize(shop, user="ada")
    world.execute("UPDATE sso_session SET ended_at = now()")
    answer = browser.authorize(shop, prompt="none")

    assert "login_required" == answer["error"]
    assert "session_state" not in answer
    assert state_of(browser) is None


def test_the_frame_may_stand_on_other_sites_and_runs_its_one_script(browser):
    """§3.2; promise P24's one exception."""
    page = browser.get("/oauth2/check_session")
    script = re.search("<script>(.*)</script>", page.text, re.DOTALL)[1]
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert "text/html; charset=utf-8" == page.content_type
    assert (
        f"default-src 'none'; script-src 'sha256-{hashed}'; base-uri 'none'; frame-ancestors https:"
        == page.headers["Content-Security-Policy"]
    )
    assert f'"{COOKIE}="' in script
    assert [] == Forms.of(page.text)
    assert "Set-Cookie" not in page.headers


def test_every_other_page_still_stands_in_no_frame(browser, shop):
    browser.open(shop)
    assert "frame-ancestors 'none'" in browser.follow().headers["Content-Security-Policy"]


def test_discovery_announces_it(browser):
    """§3.3."""
    document = browser.get("/.well-known/openid-configuration").json

    assert "https://id.example.com/oauth2/check_session" == document["check_session_iframe"]


class TestOff:
    """It is, unless the settings say otherwise."""

    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": None})

    def test_no_cookie_can_be_read(self, browser, shop):
        assert "session_state" not in browser.authorize(shop, user="ada")
        assert state_of(browser) is None
        assert 404 == browser.get("/oauth2/check_session").status_code
        assert "check_session_iframe" not in browser.get("/.well-known/openid-configuration").json
