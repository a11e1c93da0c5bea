"""CSRF tokens and the browser's secret."""

import pytest


@pytest.fixture
def browser(world):
    world.person("anna")
    world.person("bert")
    return world.browser()


def _token(browser, purpose="login:h1"):
    return browser.get(f"/form/{purpose}").json["token"]


def _valid(browser, token, purpose="login:h1"):
    return browser.post(f"/form/{purpose}", token=token).json["valid"]


def test_token_is_for_its_form_and_browser(browser, world):
    """Valid where it was made; not for another form, another request, another browser."""
    token = _token(browser)

    assert _valid(browser, token)
    assert not _valid(browser, token, "consent:h1")
    assert not _valid(browser, token, "login:h2")
    assert not _valid(world.browser(), token)
    other = world.browser()
    _token(other)
    assert not _valid(other, token)


@pytest.mark.parametrize("token", ["", ".", "x", "x.y", "x.00", "é.é", ".".join("a" * 5), "0" * 5000])
def test_malformed_tokens(browser, token):
    """Whatever it is, it is no token."""
    _token(browser)

    assert not _valid(browser, token)


def test_changed_token(browser):
    """Neither part may differ."""
    kid, mac = _token(browser).split(".")

    assert not _valid(browser, f"{kid}.{mac[:-1]}{'0' if mac[-1] != '0' else '1'}")
    assert not _valid(browser, f"{kid}x.{mac}")
    assert not _valid(browser, f"{kid}.{mac[:-2]}")


def test_page_of_one_person_is_void_for_another(browser):
    """A consent page that was rendered for Anna cannot be sent once Bert has signed in."""
    browser.login("anna")
    token = _token(browser, "consent:h1")
    assert _valid(browser, token, "consent:h1")
    browser.login("bert")

    assert not _valid(browser, token, "consent:h1")


def test_page_from_before_the_sign_in_is_void_after_it(browser):
    """A new session, new tokens."""
    token = _token(browser)
    browser.login("anna")

    assert not _valid(browser, token)


def test_secret_is_made_once_and_renewed_on_demand(browser):
    """One secret for the whole browser, constant until a sign-in renews it."""
    assert browser.get("/browser").json["secret"] is None
    first = browser.get("/browser?create").json["secret"]
    assert 43 == len(first)
    assert first == browser.get("/browser?create").json["secret"]
    second = browser.post("/browser").json["secret"]

    assert first != second
    assert second == browser.get("/browser").json["secret"]
    assert 1 == sum(
        line.startswith("__Host-idp-tx=") for line in browser.post("/browser").headers.getlist("Set-Cookie")
    )


def test_planted_secret_is_none(browser):
    """A cookie that we did not seal binds nothing."""
    browser.set_cookie("__Host-idp-tx", "planted")

    assert browser.get("/browser").json["secret"] is None
