"""Change your password: on the real provider."""

import pytest
from actors import PASSWORD, PUBLIC_URL, Browser

from idp.accounts import login
from idp.limits import Limit, Window
from tests.ui.page import Page

NEW = "a heron on the roof"


@pytest.fixture
def ada(world):
    return world.user("ada.larsen", [], claims={"name": "Ada Larsen"})


def signed_in(app):
    """A browser in which Ada is signed in, on the page."""
    browser = Browser(app)
    browser.get("/account/password")
    browser.follow()
    assert "Change your password" == Page(browser.sign_in("ada.larsen").text).heading
    return browser


def change(browser, current=PASSWORD, new=NEW, **others):
    browser.get("/account/password")
    return browser.submit(current_password=current, new_password=new, **others)


def test_the_new_password_counts_and_the_old_does_not(app, world, ada):
    """Back at the account with a notice, in a session with a new secret; each field is one that managers know."""
    browser = signed_in(app)
    cookie = browser.http.get_cookie("__Host-idp", domain="id.example.com").value
    page = Page(browser.get("/account/password").text)
    answer = change(browser)

    assert ["current-password", "new-password"] == [f["autocomplete"] for f in page.all("input", type="password")]
    assert (303, "/account?changed=") == (answer.status_code, answer.location)
    assert "Your password was changed." in Page(browser.follow().text).one("div", role="status").text
    assert cookie != browser.http.get_cookie("__Host-idp", domain="id.example.com").value
    assert "password.changed" in world.events()
    other = Browser(app)
    other.get("/account")
    other.follow()
    assert 401 == other.submit(identifier="ada.larsen", password=PASSWORD).status_code
    assert "My account" == Page(other.sign_in("ada.larsen", NEW).text).heading


@pytest.mark.parametrize(("ticked", "status"), [({"end_others": "y"}, 303), ({}, 200)])
def test_other_sessions_end_unless_they_may_go_on(app, ada, ticked, status):
    """It is ticked from the start."""
    here, elsewhere = signed_in(app), signed_in(app)
    assert "checked" in Page(here.get("/account/password").text).one("input", name="end_others")
    change(here, **ticked)

    assert 200 == here.get("/account").status_code
    assert status == elsewhere.get("/account").status_code


def test_another_person_s_sessions_stay(app, world, ada):
    world.user("kari", [])
    kari = Browser(app)
    kari.get("/account")
    kari.follow()
    kari.sign_in("kari")
    change(signed_in(app), end_others="y")

    assert 200 == kari.get("/account").status_code


@pytest.mark.parametrize(
    ("current", "new", "status", "said"),
    [
        ("gulls", NEW, 401, "That is not your current password."),
        (PASSWORD, "herons", 400, "It is too short."),
        (PASSWORD, "Manchesterunited", 400, "It is in the lists of stolen passwords"),
        (PASSWORD, "heron!heron!heron!", 400, "It repeats one short piece."),
        (PASSWORD, "Havn-Havn-Havn2030", 400, "It is little more than the name of this service."),
        (PASSWORD, "ada.larsen.1815", 400, "It is little more than your user name or e-mail address."),
        (PASSWORD, "a heron on the roof \U000e0080", 400, "It has characters that cannot be part of a password."),
        (PASSWORD, "", 400, "Enter a new password."),
        ("", NEW, 400, "Enter your current password."),
        (PASSWORD, "x" * 1001, 400, "A password has at most 1,000 characters."),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(app, world, ada, current, new, status, said):
    """Beside the field; nothing that was typed is shown again, and nothing changes."""
    browser = signed_in(app)
    answer = change(browser, current, new)

    assert status == answer.status_code
    [error] = Page(answer.text).all("p", class_="error")
    assert said in error.text
    assert not any(typed in answer.text for typed in (current, new) if typed)
    assert "password.changed" not in world.events()


def test_guesses_count_in_the_limits_of_the_sign_in(app, world, ada):
    """Ten wrong ones in this browser, and then even the right one is refused for a while."""
    browser = signed_in(app)
    for _ in range(10):
        assert 401 == change(browser, "wrong").status_code

    assert 401 == change(browser).status_code
    assert "password.changed" not in world.events()


def test_an_address_with_too_many_failures_is_told_to_wait(app, ada, world, monkeypatch):
    browser = signed_in(app)
    monkeypatch.setattr(login, "ADDRESS", Limit("login.address", (Window(1, 300),)))
    assert 401 == change(browser, "wrong").status_code
    answer = change(browser, "wrong")

    assert 429 == answer.status_code
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert "Try again in" in Page(answer.text).one("p", class_="error").text


def test_who_is_not_signed_in_does_that_first(app, ada):
    browser = Browser(app)

    assert browser.get("/account/password").location.startswith("/signin/")


def test_a_forged_change_changes_nothing(app, world, ada):
    """Neither from another site nor without the page's token."""
    browser = signed_in(app)
    form = {"current_password": PASSWORD, "new_password": NEW}
    foreign = browser.http.post(
        "/account/password", data=form, base_url=PUBLIC_URL, headers={"Origin": "https://evil.example"}
    )
    forged = browser.http.post("/account/password", data=form, base_url=PUBLIC_URL)

    assert (403, 400) == (foreign.status_code, forged.status_code)
    assert "password.changed" not in world.events()
