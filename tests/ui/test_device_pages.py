"""The pages for whoever has a device with a code before them."""

import pytest

from tests.ui.fakes import USER_CODE
from tests.ui.page import Page

WRONG = "BBBB-BBBB"


def test_one_field_and_a_warning(visitor):
    answer = visitor.get("/device")
    page = Page(answer.text)

    assert "Connect a device" == page.heading
    assert "one-time-code" == page.one("input", id="user_code")["autocomplete"]
    assert "Never enter a code that somebody sent you" in page.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert "no-store" == answer.headers["Cache-Control"]


def test_a_link_fills_the_field(visitor, provider):
    page = Page(visitor.get("/device", query_string={"user_code": '"><b>'}).text)

    assert '"><b>' == page.one("input", id="user_code")["value"]
    assert not provider.calls


def test_the_code_goes_on(fill, provider):
    answer = fill("/device", user_code=USER_CODE)

    assert (303, "/signin/h1/next") == (answer.status_code, answer.location)
    assert ("enter", USER_CODE) == provider.calls[-1]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (WRONG, "That code is not right or has run out. Enter the one that your device shows now."),
        ("", "Enter the code."),
        ("B" * 41, "A code has eight letters."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(fill, typed, words):
    """And what was typed is kept."""
    answer = fill("/device", user_code=typed)
    page = Page(answer.text)

    assert 400 == answer.status_code
    assert f"Error: {words}" == page.one("p", id="user_code-error").text
    assert typed == page.one("input", id="user_code")["value"]


@pytest.mark.parametrize(("seconds", "words"), [(30, "Try again in one minute"), (200, "Try again in 4 minutes")])
def test_too_many_wrong_codes_pause(fill, provider, seconds, words):
    provider.throttled = seconds
    answer = fill("/device", user_code=USER_CODE)

    assert (429, str(seconds)) == (answer.status_code, answer.headers["Retry-After"])
    assert words in Page(answer.text).text


def test_a_form_without_its_token_does_nothing(visitor, provider):
    answer = visitor.post("/device", data={"user_code": USER_CODE})

    assert 400 == answer.status_code
    assert not provider.calls


@pytest.mark.parametrize(
    ("outcome", "heading"),
    [
        ("approved", "Your device is connected"),
        ("denied", "Nothing was allowed"),
        ("over", "That code has run out"),
        ("<b>", "That code has run out"),
    ],
)
def test_the_end_is_said(visitor, outcome, heading):
    assert heading == Page(visitor.get("/device/done", query_string={"outcome": outcome}).text).heading


def test_the_decision_shows_the_code_and_warns(visitor, provider):
    """RFC 8628 §5.4; there is no address to go back to."""
    provider.waits("consent")
    provider.user_code = USER_CODE
    page = Page(visitor.get("/signin/h1/consent").text)

    assert USER_CODE == page.one("code").text
    assert "Allow it only if you have that device before you and started this yourself." in page.text
    assert "Either way your device goes on" in page.text
    assert "you go back to" not in page.text


def test_the_language_is_kept(visitor, fill, provider):
    answer = fill("/device?ui_locales=nb", user_code=USER_CODE)

    assert "/signin/h1/next?ui_locales=nb" == answer.location
