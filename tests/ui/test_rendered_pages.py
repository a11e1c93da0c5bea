"""Pages that the provider renders itself: error, sign-out."""

import pytest

from tests.ui.page import Page


def test_an_error_says_what_to_do(rendered):
    answer = rendered(
        "error",
        status=400,
        error="invalid_redirect_uri",
        message="the redirect_uri is not registered for this client",
        reference="7Q4M-K2XD",
        client_name="Grid Forecast",
    )
    page = Page(answer.text)

    assert 400 == answer.status_code
    assert "That did not work" == page.heading
    assert "Open Grid Forecast again from its own page." in page.text
    assert "the redirect_uri is not registered for this client" in page.one("dl").text
    assert ["7Q4M-K2XD", "invalid_redirect_uri"] == [value.text for value in page.all("code")]


def test_a_factor_that_nobody_has_is_the_reason_and_not_the_makers_mistake(rendered):
    answer = rendered(
        "error",
        status=400,
        error="unmet_authentication_requirements",
        message="the company asks for a second factor",
        reference="7Q4M-K2XD",
        client_name=None,
    )
    page = Page(answer.text)

    assert "It takes a second factor" in page.text
    assert "Open the application" not in page.text


@pytest.mark.parametrize(
    ("status", "heading"),
    [
        (403, "That did not work"),
        (413, "That did not work"),
        (404, "There is no such page"),
        (500, "That did not work, and it is our fault"),
        (503, "We cannot answer right now"),
    ],
)
def test_an_error_is_called_by_its_kind(rendered, status, heading):
    answer = rendered("error", status=status, error="server_error", message="", reference="7Q4M-9HTB", client_name=None)

    assert status == answer.status_code
    assert heading == Page(answer.text).heading


def test_an_error_escapes_what_clients_say(rendered):
    hostile = '"><script>alert(1)</script>'
    answer = rendered("error", status=400, error=hostile, message=hostile, reference=hostile, client_name=hostile)

    assert "<script" not in answer.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


def test_sign_out_asks_first(rendered):
    """The answer carries what the client sent, unseen, and the token; it may end at the client."""
    answer = rendered(
        "logout", client_name="<i>Portal", fields={"state": '"><i>', "client_id": "portal"}, csrf_token="t0"
    )
    page = Page(answer.text)

    assert "Sign out of Havn?" == page.heading
    assert ("post", "/oauth2/logout") == (page.one("form")["method"], page.one("form")["action"])
    assert {"csrf_token": "t0", "state": '"><i>', "client_id": "portal"} == {
        e["name"]: e["value"] for e in page.all("input", type="hidden")
    }
    assert "form-action" not in answer.headers["Content-Security-Policy"]


def test_signed_out_leads_back_to_the_client(rendered):
    page = Page(rendered("signed_out", client_name="Grid Forecast", return_url="https://app.kelda.example/").text)

    assert "You are signed out" == page.heading
    assert "Back to Grid Forecast" == page.one("a", href="https://app.kelda.example/").text


def test_signed_out_without_a_client(rendered):
    page = Page(rendered("signed_out", client_name=None, return_url=None).text)

    assert ["/account"] == [a["href"] for a in page.all("a")]
