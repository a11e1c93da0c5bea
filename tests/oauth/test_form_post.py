"""The answer in a form that posts itself: OAuth 2.0 Form Post Response Mode, in HTTP and in a real browser."""

import base64
import hashlib
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from actors import PASSWORD, Client, Forms, World
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

ISSUER = "https://id.example.com"


def posted(response):
    """The form of an answer: where it posts to, and what."""
    assert 200 == response.status_code, response.text
    (form,) = Forms.of(response.text)
    assert "post" == form["method"]
    return form["action"], form["fields"]


# -- the answer


def test_code_comes_in_a_form(world, browser, client):
    """§2: a page with status 200, HTML form values, method POST, the redirect URI; the code is as good as any."""
    world.user("ada")
    browser.authorize(client, user="ada")

    response = browser.open(client, response_mode="form_post")
    action, fields = posted(response)

    assert "text/html; charset=utf-8" == response.content_type
    assert client.redirect_uri == action
    assert {"code", "state", "iss"} == fields.keys()
    assert ("st4te", ISSUER) == (fields["state"], fields["iss"])
    assert 200 == client.redeem(fields["code"]).status_code


def test_errors_come_in_a_form_too(browser, client):
    """§2: "the Authorization Response parameters", errors included; also those of prompt=none, before any page."""
    for changes, error in (
        ({"prompt": "none"}, "login_required"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
    ):
        action, fields = posted(browser.open(client, response_mode="form_post", **changes))

        assert client.redirect_uri == action
        assert {"error", "error_description", "state", "iss"} == fields.keys()
        assert (error, "st4te", ISSUER) == (fields["error"], fields["state"], fields["iss"])


def test_it_lasts_through_the_pages(world, browser):
    """Sign-in and consent keep the response mode; a "no" comes in a form as a "yes" does."""
    world.user("ada")
    client = Client.registered(world, "shop", consent="ask")
    for decision in ("deny", "allow"):
        browser.open(client, response_mode="form_post")
        if 'name="password"' in browser.follow().text:
            browser.sign_in("ada")
        action, fields = posted(browser.submit(button=("decision", decision)))

        assert client.redirect_uri == action
        assert ("access_denied" if decision == "deny" else None) == fields.get("error")
        assert ("code" in fields) is (decision == "allow")


def test_request_can_be_posted_too(world, browser, client):
    """Both directions by POST, the response as asked (OpenID Connect Core §3.1.2.1)."""
    parameters = client.parameters(response_mode="form_post", prompt="none")
    browser.page = browser.http.post("/oauth2/authorize", data=parameters, base_url=ISSUER)

    assert "login_required" == posted(browser.follow())[1]["error"]


def test_registered_address_stays_exact(world, browser):
    """The action is the registered URI with its query, byte for byte; nothing of the answer is in it."""
    uri = "https://shop.example/cb?tenant=a%20b&x="
    client = Client.registered(world, "shop", redirect_uris=[uri])
    for changed in (f"{uri}1", "https://shop.example/cb", "https://evil.example/"):
        refused = browser.open(client, response_mode="form_post", redirect_uri=changed, prompt="none")
        assert 400 == refused.status_code
        assert "evil.example" not in refused.text

    assert uri == posted(browser.open(client, response_mode="form_post", prompt="none"))[0]


@pytest.mark.parametrize("state", ['"><script>alert(1)</script>', "a b+c&d=e%20", "ünïcödé 🎉", "</form>", "~-._" * 32])
def test_state_is_data(browser, client, state):
    """Byte for byte (promise P11), and never markup of our page."""
    response = browser.open(client, response_mode="form_post", prompt="none", state=state)

    assert state == posted(response)[1]["state"]
    assert 1 == response.text.count("<script")


def test_unknown_mode_is_refused_in_the_default_one(browser, client):
    """Multiple Response Types §2.1; repeated, it is no mode at all."""
    for mode in ("web_message", "FORM_POST", "form_post ", "query.xml", ["form_post", "query"]):
        location = urlsplit(browser.open(client, response_mode=mode, prompt="none").headers["Location"])
        answer = dict(parse_qsl(location.query))

        assert "invalid_request" == answer["error"], mode
        assert "st4te" == answer["state"]


def test_code_in_the_fragment(browser, client):
    """§2.1 of Multiple Response Types: a client may ask for it, many pages without a server do."""
    location = urlsplit(browser.open(client, response_mode="fragment", prompt="none").headers["Location"])

    assert "" == location.query
    assert "login_required" == dict(parse_qsl(location.fragment))["error"]


def test_plus_and_space_survive_every_reader(browser, client):
    """Scripts that read a fragment often leave a plus as it is: a space is %20."""
    browser.open(client, response_mode="fragment", prompt="none", state="a b+c")

    assert "state=a%20b%2Bc" in browser.page.headers["Location"]


# -- the page


def test_policy_allows_this_script_alone(browser, client):
    """Promise P24: a hash for the one script; no form-action, which Chromium would apply to the client's redirects."""
    response = browser.open(client, response_mode="form_post", prompt="none")
    (script,) = re.findall("<script>(.*?)</script>", response.text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        f"script-src 'sha256-{digest}'"
    ) == response.headers["Content-Security-Policy"]


def test_nobody_keeps_the_page(browser, client):
    """§4 and promise P24: not cached, and no address of it goes on to the client."""
    response = browser.open(client, response_mode="form_post", prompt="none")

    assert "no-store" == response.headers["Cache-Control"]
    assert "same-origin" == response.headers["Referrer-Policy"]
    assert "nosniff" == response.headers["X-Content-Type-Options"]


def test_person_sees_where_they_go(world, browser):
    """Without script a button does it; the name is text, in the language of the request."""
    client = Client.registered(world, "shop", client_name="<i>Shop</i>")
    page = browser.open(client, response_mode="form_post", prompt="none").text

    assert "Back to <bdi>&lt;i&gt;Shop&lt;/i&gt;</bdi>" in page
    assert '<button class="button primary full">Continue</button>' in page
    assert "Fortsett" in browser.open(client, response_mode="form_post", prompt="none", ui_locales="nb").text


def test_it_is_announced_and_can_be_left_out(another, client):
    """Discovery §3: `response_modes_supported`; without the file there is no such mode."""
    small = another(extensions=("authorization_code", "discovery", "pkce")).test_client()

    def modes(http):
        return http.get("/.well-known/openid-configuration", base_url=ISSUER).json["response_modes_supported"]

    answer = small.get(f"/oauth2/authorize?{urlencode(client.parameters(response_mode='form_post'))}", base_url=ISSUER)

    assert "form_post" in modes(client.http)
    assert ["query", "fragment"] == modes(small)
    assert "error=invalid_request" in answer.headers["Location"]


# -- in a browser


@pytest.fixture
def elsewhere():
    """A client on a loopback port of its own: it takes a POST, and sends the person on to another origin."""
    seen = []

    class Site(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.append((self.path, self.headers["Content-Type"], dict(parse_qsl(body))))
            self.send_response(303)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/home")
            self.end_headers()

        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Welcome back")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield SimpleNamespace(address=f"http://127.0.0.1:{server.server_port}/cb?tenant=a", seen=seen)
        server.shutdown()


@pytest.fixture
def served(app, another):
    """The provider on a real socket, under its own address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    origin = f"http://127.0.0.1:{server.server_port}"
    server.app = another(public_url=origin)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield SimpleNamespace(origin=origin, app=server.app)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False])
def test_form_posts_itself_in_chromium(served, elsewhere, script):
    """Under the page's own policy, on to a client at another origin and where that leads; without script by a button.

    §2: the body is exactly application/x-www-form-urlencoded.
    """
    world = World(served.app)
    world.user("ada")
    client = Client.registered(world, "shop", redirect_uris=[elsewhere.address])
    address = f"{served.origin}/oauth2/authorize?{urlencode(client.parameters(response_mode='form_post'))}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chromium.new_context(java_script_enabled=script).new_page()
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(address)
        page.fill("[name=identifier]", "ada")
        page.fill("[name=password]", PASSWORD)
        page.click("button.primary")
        if not script:
            page.wait_for_selector("#answer")
            page.get_by_role("button", name="Continue").click()
        page.wait_for_url("http://localhost:*/home", timeout=10_000)

        assert "Welcome back" == page.text_content("body")
        assert [] == [words for words in complaints if "Content Security Policy" in words]
        chromium.close()
    ((path, content_type, fields),) = elsewhere.seen

    assert ("/cb?tenant=a", "application/x-www-form-urlencoded") == (path, content_type)
    assert {"code", "state", "iss"} == fields.keys()
    assert ("st4te", served.origin) == (fields["state"], fields["iss"])
