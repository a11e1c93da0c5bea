"""Users by names that no other sector shares: OpenID Connect Core §8."""

import json

import pytest
from actors import Client, answer_of, unverified

PAIRWISE = {"subject_type": "pairwise"}


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada")


def pairwise(world, client_id, host=None, **metadata):
    """A client of a sector: the host of its redirect URI."""
    uris = {"redirect_uris": [f"https://{host}/{client_id}"]} if host else {}
    return Client.registered(world, client_id, client_metadata={**PAIRWISE, **metadata}, **uris)


def name_of(tokens):
    return unverified(tokens["id_token"])["sub"]


def test_one_name_in_id_token_and_userinfo_for_ever(browser, world):
    """§8.1: stable and opaque; the access token has the public subject, which resource servers share."""
    shop = pairwise(world, "shop")
    first = shop.tokens(browser, user="ada")

    again = shop.tokens(browser)
    refreshed = shop.refresh(first["refresh_token"]).json

    assert 32 == len(name_of(first))
    assert name_of(first) == name_of(again) == name_of(refreshed) == shop.userinfo(first["access_token"]).json["sub"]
    assert "sub-ada" == unverified(first["access_token"])["sub"] == shop.introspect(first["access_token"]).json["sub"]


def test_the_sector_decides(browser, world):
    """§8.1: the host of the sector document, else that of the redirect URIs; other sectors cannot match names."""
    document = {"sector_identifier_uri": "https://group.example/uris.json"}
    clients = [
        pairwise(world, "one", "shop.example"),
        pairwise(world, "two", "shop.example"),
        pairwise(world, "three", "other.example"),
        pairwise(world, "four", "four.example", **document),
        pairwise(world, "five", "five.example", **document),
    ]

    one, two, three, four, five = [name_of(client.tokens(browser, user="ada")) for client in clients]

    assert (one, four) == (two, five)
    assert 3 == len({one, three, four} - {"sub-ada"})


def test_a_native_client_without_a_host_is_its_own_sector(browser, world):
    """A custom scheme has no host."""
    apps = [
        Client.registered(world, name, public=True, redirect_uris=[f"com.example.{name}:/cb"], client_metadata=PAIRWISE)
        for name in ("left", "right")
    ]

    browser.authorize(pairwise(world, "shop"), user="ada")
    left, right = [name_of(app.redeem(answer_of(browser.open(app))["code"]).json) for app in apps]

    assert left != right


def test_two_first_tokens_at_once_have_one_name(browser, world, at_once):
    """The row decides, and both answer with it."""
    shop = pairwise(world, "shop")
    codes = [browser.authorize(shop, user="ada")["code"] for _ in range(4)]

    names = {name_of(answer.json) for answer in at_once(4, lambda: shop.redeem(codes.pop()))}

    assert 1 == len(names)


def test_a_name_ends_with_its_user(browser, world):
    """§2: never reassigned; somebody new with the same user name gets another."""
    shop = pairwise(world, "shop")
    before = name_of(shop.tokens(browser, user="ada"))
    world.execute("DELETE FROM user_account")
    world.user("ada")

    assert before != name_of(shop.tokens(browser, user="ada"))


def test_hint_names_the_user(browser, world, clock):
    """§3.1.2.1: the client knows no other name; a hint of somebody else is refused."""
    shop = pairwise(world, "shop")
    world.user("bob")
    bobs = shop.tokens(browser, user="bob")["id_token"]
    browser.get("/oauth2/logout", id_token_hint=bobs)
    adas = shop.tokens(browser, user="ada")["id_token"]

    assert "code" in browser.authorize(shop, id_token_hint=adas, prompt="none")
    assert "login_required" == browser.authorize(shop, id_token_hint=bobs, prompt="none")["error"]


def test_claims_name_the_user(browser, world):
    """§5.5.1: the `sub` of a claims request is the client's name for the user, and no public one."""
    shop = pairwise(world, "shop")
    name = name_of(shop.tokens(browser, user="ada"))

    def asked(sub):
        return browser.authorize(shop, prompt="none", claims=json.dumps({"id_token": {"sub": {"value": sub}}}))

    assert "code" in asked(name)
    assert "login_required" == asked("somebody")["error"]


def test_hint_at_logout_names_the_user(browser, world):
    """RP-Initiated Logout §2: no page asks when the hint is about who is signed in."""
    shop = pairwise(world, "shop", post_logout_redirect_uris=["https://shop.example/bye"])
    tokens = shop.tokens(browser, user="ada")

    back = "https://shop.example/bye"
    page = browser.get("/oauth2/logout", id_token_hint=tokens["id_token"], post_logout_redirect_uri=back, state="x")

    assert "https://shop.example/bye?state=x" == page.headers["Location"]
    assert {"state": "x"} == answer_of(page)
    assert 401 == shop.userinfo(tokens["access_token"]).status_code
