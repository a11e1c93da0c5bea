"""The person's own page: who they are, where they work, what acts in their name."""

from datetime import timedelta

import pytest

from idp.grants.consent import Connection
from tests.ui.fakes import NOW, ORIGIN
from tests.ui.page import Page

SINCE = NOW - timedelta(days=9)


@pytest.fixture(autouse=True)
def _signed_in(provider):
    provider.somebody = True
    provider.connections = [
        Connection("forecast", "Grid Forecast", "Kvitberg Hydro", ("openid",), SINCE),
        Connection("forecast", "Grid Forecast", "North Sea Energy", ("openid",), SINCE + timedelta(days=1)),
        Connection("meters", "<b>Meter Desk", None, ("openid",), NOW),
    ]


def test_the_address_of_the_provider_itself_leads_here(visitor):
    answer = visitor.get("/")

    assert (303, "/account") == (answer.status_code, answer.location)


def test_shows_all_that_acts_in_my_name(visitor):
    """One entry an application, whatever the companies: it is stopped as one."""
    answer = visitor.get("/account")
    page = Page(answer.text)

    assert 200 == answer.status_code
    assert "My account" == page.heading
    for words in (
        "Ada Larsen",
        "ada.larsen@northsea.example",
        "Dovre Walled Data owner, Admin",
        "Grid Forecast for Kvitberg Hydro and North Sea Energy allowed 9 days ago",
    ):
        assert words in page.text
    assert ["forecast", "meters"] == [field["value"] for field in page.all("input", name="client_id")]
    assert "<b>Meter" not in answer.text


def test_nothing_yet(visitor, provider):
    """An empty page says what would be here."""
    provider.connections, provider.memberships = [], ()
    text = Page(visitor.get("/account").text).text

    assert "You are not a member of any company yet." in text
    assert "No application acts for you." in text


def test_stopping_ends_all_access_of_the_application(visitor, fill, provider):
    answer = fill("/account/stop", page="/account", client_id="forecast")
    page = Page(visitor.get(answer.location).text)

    assert 303 == answer.status_code
    assert [
        ("withdraw", "forecast", NOW),
    ] == provider.calls
    assert "The access was stopped." in page.one("div", role="status").text


@pytest.mark.parametrize("client_id", ["", "x" * 256])
def test_stopping_nothing_is_refused(fill, provider, client_id):
    assert 400 == fill("/account/stop", page="/account", client_id=client_id).status_code
    assert not provider.calls


def test_a_forged_stop_changes_nothing(visitor, fill, provider):
    """Neither from another site nor with the token of another form."""
    foreign = fill("/account/stop", page="/account", client_id="forecast", headers={"Origin": "https://evil.example"})
    forged = visitor.post("/account/stop", data={"client_id": "forecast", "csrf_token": provider.token("logout")})

    assert 403 == foreign.status_code
    assert 400 == forged.status_code
    assert not provider.calls


def test_sign_out_is_a_post_with_its_token(visitor, provider):
    page = Page(visitor.get("/account").text)
    spoken = Page(visitor.get("/account?ui_locales=nb").text)

    assert provider.token("logout") == page.tokens["/oauth2/logout"]
    assert provider.token("logout") == spoken.tokens["/oauth2/logout?ui_locales=nb"]


def test_who_is_not_signed_in_does_that_first(visitor, provider):
    """And comes back by our own memory, not by an address in the URL."""
    provider.somebody = False
    token = provider.token("stop")

    for answer in (
        visitor.get("/account"),
        visitor.post("/account/stop", data={"csrf_token": token}, headers={"Origin": ORIGIN}),
    ):
        assert 303 == answer.status_code
        assert "/signin/h1" == answer.location
    assert {("start_page", "account.overview")} == set(provider.calls)
