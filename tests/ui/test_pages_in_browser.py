"""Every page in a real browser: small and wide, light and dark, keyboard alone, and without script."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from idp.grants.consent import Connection
from tests.ui.conftest import make_app
from tests.ui.fakes import ADA, ASKED, FORECAST, LOGIN, NOW, PASSWORD, USER_CODE, Provider, member_of

pytestmark = pytest.mark.browser

ERROR = {"error": "invalid_redirect_uri", "reference": "7Q4M-K2XD"}
# Page by page: where it is, and what the provider must be like.
PAGES = {
    "login": ("/signin/h1", {}),
    "login for the account": ("/signin/h1", {"client": None}),
    "login again": ("/signin/h1", {"user": ADA, "reauthenticate": True}),
    "few companies": ("/signin/h1/company", {"prompt": "company"}),
    "many companies": ("/signin/h1/company", {"prompt": "company", "companies": 80}),
    "found": ("/signin/h1/company?q=hydro", {"prompt": "company", "companies": 80}),
    "nothing found": ("/signin/h1/company?q=Piet", {"prompt": "company", "companies": 80}),
    "no company": ("/signin/h1/company", {"prompt": "company", "companies": 0}),
    "consent": ("/signin/h1/consent", {"prompt": "consent"}),
    "consent in Arabic": ("/signin/h1/consent?ui_locales=ar", {"prompt": "consent"}),
    "login in Norwegian": ("/signin/h1?ui_locales=nb", {}),
    "start again": ("/signin/unknown", {}),
    "account": ("/account", {"companies": 40}),
    "account in Arabic": ("/account?ui_locales=ar", {}),
    "device": ("/device", {}),
    "device in Arabic": ("/device?ui_locales=ar", {}),
    "device's consent": ("/signin/h1/consent", {"prompt": "consent", "user_code": USER_CODE}),
    "device's consent in Arabic": ("/signin/h1/consent?ui_locales=ar", {"prompt": "consent", "user_code": USER_CODE}),
    "approvals": ("/account/approvals", {"pending": (ASKED,)}),
    "approvals in Arabic": ("/account/approvals?ui_locales=ar", {"pending": (ASKED,)}),
    "approvals, none": ("/account/approvals?outcome=approved", {}),
    "consent to what is asked elsewhere": (
        "/signin/h1/consent",
        {"prompt": "consent", "asked_elsewhere": True, "message": "Counter 4, PX-7"},
    ),
    "device connected": ("/device/done?outcome=approved", {}),
    "device not connected": ("/device/done?outcome=denied", {}),
    "device too late": ("/device/done", {}),
    "password": ("/account/password", {}),
    "password in Arabic": ("/account/password?ui_locales=ar", {}),
    "error": (
        "/rendered/error",
        {"facts": {**ERROR, "status": 400, "message": "We stopped here.", "client_name": "Grid Forecast"}},
    ),
    "our fault": ("/rendered/error", {"facts": {**ERROR, "status": 500, "message": "", "client_name": None}}),
    "sign out": (
        "/rendered/logout",
        {"facts": {"client_name": "Grid Forecast", "fields": {"state": "x"}, "csrf_token": "t"}},
    ),
    "signed out": (
        "/rendered/signed_out",
        {
            "facts": {
                "client_name": "Grid Forecast",
                "return_url": "https://app.kelda.example/",
                "applications": [("Grid Forecast", True), ("Meter Desk", False)],
                "within": 300,
            }
        },
    ),
    "paused": ("/rendered/signin/paused", {"facts": {"status": 429, "interaction": LOGIN, "retry_after": 200}}),
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def served(provider: Provider) -> Iterator[str]:
    """The pages on a real socket."""
    server = make_server("127.0.0.1", 0, make_app(provider), threaded=True)
    origin = f"http://127.0.0.1:{server.server_port}"
    server.app = make_app(provider, origin)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield origin
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def opened(chromium: Browser, served: str, provider: Provider):
    """Opens a page of PAGES, without script, and notes every request that it makes."""
    contexts = []

    def open_page(name: str, *, width: int = 1280, script: bool = False) -> Page:
        path, facts = PAGES[name]
        _set(provider, facts)
        # Without motion a change of scheme is seen at once.
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=script, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.requested = []
        page.complaints = []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.goto(served + path, wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


def _set(provider: Provider, facts: dict) -> None:
    facts = dict(facts)
    provider.somebody = True
    provider.connections = [Connection("forecast", "Grid Forecast", "North Sea Energy", (), NOW)]
    provider.memberships = member_of(facts.pop("companies", 3))
    provider.used_lately(days=2)
    provider.rendered = facts.pop("facts", {})
    for name in ("user_code", "asked_elsewhere", "message", "pending"):
        if name in facts:
            setattr(provider, name, facts.pop(name))
    provider.waits(facts.pop("prompt", "login"), **facts)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_fit_for_everybody(opened, served, name):
    """Axe finds nothing (WCAG 2.2 AA, best practice), nothing scrolls sideways, nobody else is asked for anything."""
    # Axe itself is a script; the pages have none, so nothing changes by allowing it.
    page = opened(name, script=True)
    for width, scheme in product((320, 1280), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]

        assert [] == [(one["id"], [node["html"] for node in one["nodes"]]) for one in found], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [] == [url for url in page.requested if not url.startswith(f"{served}/")]
    assert [] == [words for words in page.complaints if "Content Security Policy" in words]


@pytest.mark.parametrize("name", ["login", "many companies", "consent", "account"])
def test_page_bears_large_text_and_wide_spacing(opened, name):
    """Twice the text size, and the spacing of WCAG 1.4.12, in 640 pixels: no sideways scroll."""
    page = opened(name, width=640, script=True)
    page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
        sheet.replaceSync(`html { font-size: 200% } * { line-height: 1.5 !important; letter-spacing: .12em !important;
                           word-spacing: .16em !important } p { margin-block-end: 2em !important }`);
        document.adoptedStyleSheets = [sheet]; }"""
    )

    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_sign_in_by_keyboard_without_script(opened, provider):
    """From the first field to the decision; what is wrong is said where the cursor is."""
    page = opened("login")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("#password-error")

    assert "Error: Sign in · Havn" == page.title()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/next")

    assert ("login", "h1", "proof of ada") == provider.calls[-1]


def test_focus_is_seen_on_every_stop(opened):
    """Each stop of the Tab key has a ring (WCAG 2.4.7), and each thing to press is at least 24 pixels high (2.5.8)."""
    for name in ("login", "few companies", "consent", "account", "password", "device", "device's consent", "approvals"):
        page = opened(name, script=True)
        for _stop in range(len(page.query_selector_all("a, button, input:not([type=hidden]), summary"))):
            page.keyboard.press("Tab")
            seen = page.evaluate(
                """() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
                return [e.tagName, parseFloat(s.outlineWidth), s.outlineStyle, r.height]; }"""
            )
            if seen[0] == "BODY":
                break
            assert seen[1] >= 2, (name, seen)
            assert seen[2] != "none", (name, seen)
            assert seen[3] >= 24 or seen[0] == "A", (name, seen)


def test_the_decision_s_buttons_have_one_size(opened):
    page = opened("consent", script=True)
    deny, allow = (button.bounding_box() for button in page.query_selector_all("button[name=decision]"))

    assert (deny["width"], deny["height"]) == (allow["width"], allow["height"])


def test_the_way_back_to_the_client_is_open(opened, served, provider):
    """With form-action in the policy Chromium would stop here and say nothing: the client is another origin."""
    provider.client_address = f"{served.replace('127.0.0.1', 'localhost')}/client"
    page = opened("consent")
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url("**/client?home=1")

    assert "Welcome back" == page.text_content("body")


def test_stopping_access_asks_first_without_script(opened, provider):
    page = opened("account")
    sure = page.locator("details.sure").first

    assert not sure.locator("button").is_visible()
    sure.locator("summary").click()
    sure.locator("button").click()
    page.wait_for_selector("[role=status]")

    assert ("withdraw", "forecast", NOW) in provider.calls


def test_a_wrong_current_password_is_said_where_the_cursor_is(opened):
    """And the page with the mistake is fit for everybody too."""
    page = opened("password", width=320)
    page.keyboard.type("wrong")
    page.get_by_label("New password").fill("a heron on the roof")
    page.keyboard.press("Enter")
    page.wait_for_selector("#current_password-error")

    assert "Error: Change your password · Havn" == page.title()
    assert "current_password" == page.locator("input:focus").get_attribute("name")
    assert page.get_by_label("Sign out everywhere else").is_checked()


def test_a_device_is_connected_by_keyboard_without_script(opened, provider):
    """The cursor is in the field; what is wrong is said there."""
    page = opened("device", width=320)
    page.keyboard.type("BBBB-BBBB")
    page.keyboard.press("Enter")
    page.wait_for_selector("#user_code-error")

    assert "Error: Connect a device · Havn" == page.title()
    page.locator("input:focus").fill(USER_CODE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/next")

    assert ("enter", USER_CODE) == provider.calls[-1]


def test_the_language_menu_works_without_script(opened):
    page = opened("login")
    page.locator("details.menu summary").click()
    page.get_by_role("link", name="Norsk bokmål").click()

    assert "Logg inn · Havn" == page.title()


def test_a_long_name_does_not_break_the_page(opened, provider):
    """Neither a name without spaces nor a very long e-mail address."""
    path, _facts = PAGES["consent"]
    long = replace(FORECAST, name="Q" * 200, owner="W" * 200, uri=f"https://{'x' * 63}.example/")
    PAGES["long"] = (path, {"prompt": "consent", "client": long, "user": replace(ADA, email=f"{'e' * 200}@x.example")})
    page = opened("long", width=320, script=True)
    del PAGES["long"]

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
