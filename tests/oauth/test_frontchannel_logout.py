"""Applications learn in the person's browser that a session ended: OpenID Connect Front-Channel Logout 1.0."""

import pytest
from actors import Client, unverified

from tests.ui.page import Page

BYE = "https://shop.example/bye"


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"extensions": ("+frontchannel_logout",)})


def listening(world, client_id, uri, **metadata):
    members = {"frontchannel_logout_uri": uri, "post_logout_redirect_uris": [f"https://{client_id}.example/bye"]}
    return Client.registered(world, client_id, client_metadata={**members, **metadata})


@pytest.fixture
def shop(world):
    world.user("ada")
    return listening(world, "shop", "https://shop.example/out?site=1")


def frames_of(response):
    return [frame["src"] for frame in Page(response.text).all("iframe")]


def directives(response):
    policy = response.headers["Content-Security-Policy"].split("; ")
    return {name: rest for name, _, rest in (directive.partition(" ") for directive in policy)}


def test_the_page_loads_each_client_and_goes_on(world, browser, shop):
    """§2, §3: the registered address with its query, iss and sid; then, without a script, to the client that asked."""
    board = listening(world, "board", "https://board.example/out", frontchannel_logout_session_required=True)
    listening(world, "absent", "https://absent.example/out")
    tokens = shop.tokens(browser, user="ada")
    board.tokens(browser)
    sid = unverified(tokens["id_token"])["sid"]

    page = browser.get("/oauth2/logout", id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="a&b")

    added = f"iss=https%3A%2F%2Fid.example.com&sid={sid}"
    assert 200 == page.status_code
    assert [f"https://shop.example/out?site=1&{added}", f"https://board.example/out?{added}"] == frames_of(page)
    [refresh] = Page(page.text).all("meta", **{"http-equiv": "refresh"})
    assert f"3;url={BYE}?state=a%26b" == refresh["content"]
    assert f"{BYE}?state=a%26b" == Page(page.text).one("a", **{"class": "button primary full"})["href"]
    assert "login_required" == browser.authorize(shop, prompt="none")["error"]


def test_the_policy_names_these_sites_on_that_page_alone(browser, shop):
    """Promise P24."""
    tokens = shop.tokens(browser, user="ada")
    asked = browser.get("/oauth2/logout")
    out = browser.get("/oauth2/logout", id_token_hint=tokens["id_token"])
    again = browser.get("/oauth2/logout")

    assert "https://shop.example" == directives(out)["frame-src"]
    assert "'none'" == directives(out)["frame-ancestors"]
    for other in (asked, again):
        assert "frame-src" not in directives(other)
        assert [] == frames_of(other)


def test_a_frame_stands_on_a_site_of_its_client(world, browser, shop):
    """§2: scheme, host and port are those of a redirect URI."""
    for client_id, uri in (("one", "https://elsewhere.example/out"), ("two", "https://two.example:444/out")):
        listening(world, client_id, uri).tokens(browser, user="ada")
    tokens = shop.tokens(browser)

    page = browser.get("/oauth2/logout", id_token_hint=tokens["id_token"])

    assert 1 == len(frames_of(page))
    assert "https://shop.example" == directives(page)["frame-src"]


def test_without_frames_the_person_goes_on_at_once(world, browser, shop):
    world.user("bob")
    silent = Client.registered(world, "silent", client_metadata={"post_logout_redirect_uris": [BYE]})
    tokens = silent.tokens(browser, user="bob")

    page = browser.get("/oauth2/logout", id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE)

    assert (303, BYE) == (page.status_code, page.headers["Location"])


def test_discovery_announces_it(browser):
    """§3."""
    document = browser.get("/.well-known/openid-configuration").json

    assert document["frontchannel_logout_supported"]
    assert document["frontchannel_logout_session_supported"]


class TestOff:
    """It is, unless the settings say otherwise."""

    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": None})

    def test_no_frame_is_loaded(self, browser, shop):
        tokens = shop.tokens(browser, user="ada")
        page = browser.get("/oauth2/logout", id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE)

        assert 303 == page.status_code
        assert "frontchannel_logout_supported" not in browser.get("/.well-known/openid-configuration").json
