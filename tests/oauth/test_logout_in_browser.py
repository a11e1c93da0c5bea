"""What only a real browser shows: the frames of a sign-out, and the frame that answers for the session."""

import re
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from actors import PASSWORD, Client
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

import consent_ui
from idp.app import create_app
from idp.db import db

pytestmark = pytest.mark.browser

# As an application does it (Session Management §3.1): a frame of the provider, and a message to it.
WATCHER = """<!doctype html><title>waiting</title><iframe id="op" src="{frame}"></iframe><script>
addEventListener("message", event => {{ if (event.origin === "{op}") document.title = event.data }});
document.getElementById("op").onload = event => event.target.contentWindow.postMessage("{message}", "{op}");
</script>"""


class Site:
    """Somebody's server on a free port; it answers every path with `pages`, and notes what was asked."""

    def __init__(self):
        self.asked, self.pages = [], {}
        self.server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://localhost:{self.server.server_port}"
        self.app = None

    def __call__(self, environ, start_response):
        if self.app:
            return self.app(environ, start_response)
        request = Request(environ)
        self.asked.append(request.full_path)
        page = self.pages.get(request.path, "<!doctype html><title>shop</title>")
        return Response(page, mimetype="text/html")(environ, start_response)


@pytest.fixture
def site():
    """Starts sites, and ends them."""
    made = []

    def start():
        found = Site()
        thread = Thread(target=found.server.serve_forever, daemon=True)
        thread.start()
        made.append((found, thread))
        return found

    yield start
    for found, thread in made:
        found.server.shutdown()
        thread.join()
        found.server.server_close()


@pytest.fixture
def provider(app, site, settings):
    """The provider on a socket, as in development; both extensions are on."""
    found = site()
    extensions = ("+frontchannel_logout", "+session_management")
    ours = app.extensions["idp"]
    changed = settings.model_copy(update={"public_url": found.url, "extensions": extensions})
    found.app = create_app(changed, consent_ui, keys=ours.keys, now=ours.now)
    yield found
    with found.app.app_context():
        db.engine.dispose()


@pytest.fixture
def shop(world, site):
    """An application with a site of its own."""
    world.user("ada")
    found = site()
    members = {"frontchannel_logout_uri": f"{found.url}/out", "post_logout_redirect_uris": [f"{found.url}/bye"]}
    found.client = Client.registered(world, "shop", redirect_uris=[f"{found.url}/callback"], client_metadata=members)
    return found


@pytest.fixture
def page():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium.new_page()
        chromium.close()


@pytest.fixture
def signed_in(page, provider, shop):
    """Ada signs in at the shop; what it got."""
    page.goto(f"{provider.url}/oauth2/authorize?{urlencode(shop.client.parameters())}")
    page.fill("input[name=identifier]", "ada")
    page.fill("input[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_url(f"{shop.url}/callback*")
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_the_frames_are_loaded_and_the_browser_goes_on(page, provider, shop, signed_in):
    """Without a script, to the client's address; the policy lets the frame in."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    query = {"client_id": "shop", "post_logout_redirect_uri": f"{shop.url}/bye", "state": "s"}
    page.goto(f"{provider.url}/oauth2/logout?{urlencode(query)}")
    page.click("button.primary")
    page.wait_for_url(f"{shop.url}/bye?state=s", timeout=10_000)

    [out] = [path for path in shop.asked if path.startswith("/out")]
    told = parse_qs(urlsplit(out).query)
    assert [provider.url] == told["iss"]
    assert re.fullmatch("[0-9a-f-]{36}", told["sid"][0])
    assert [] == complaints


def test_the_frame_says_whether_the_sign_in_still_holds(page, provider, shop, signed_in):
    """Session Management §3.2: unchanged for its client and site, changed after the sign-out, error for nonsense."""

    def answer(message, path="/watch"):
        shop.pages[path] = WATCHER.format(
            frame=f"{provider.url}/oauth2/check_session", op=provider.url, message=message
        )
        page.goto(shop.url + path)
        page.wait_for_function("document.title !== 'waiting'", timeout=10_000)
        return page.title()

    state = signed_in["session_state"]
    assert "unchanged" == answer(f"shop {state}")
    assert "changed" == answer(f"other {state}")
    assert "error" == answer("nonsense")

    page.goto(f"{provider.url}/oauth2/logout")
    page.click("button.primary")
    page.wait_for_selector("text=You are signed out")
    assert "changed" == answer(f"shop {state}")


def test_another_site_learns_nothing_from_a_state(page, provider, shop, signed_in, site):
    """The origin of whoever asks is part of the hash."""
    thief = site()
    thief.pages["/"] = WATCHER.format(
        frame=f"{provider.url}/oauth2/check_session", op=provider.url, message=f"shop {signed_in['session_state']}"
    )
    page.goto(thief.url)
    page.wait_for_function("document.title !== 'waiting'", timeout=10_000)

    assert "changed" == page.title()
