"""The sign-in page: one job, one answer for everything that is wrong."""

from dataclasses import replace

from tests.ui.fakes import ADA, LOGIN, PASSWORD
from tests.ui.page import Page

WRONG = "That password does not match this account. Check the name, Caps Lock and the keyboard language."


def test_asks_for_name_and_password(visitor, provider):
    """Both fields have a label, and the tokens by which password managers know them (WCAG 1.3.5, 3.3.8)."""
    answer = visitor.get("/signin/h1")
    page = Page(answer.text)

    assert 200 == answer.status_code
    assert "Sign in" == page.heading
    assert "Sign in · Havn" == page.one("title").text
    assert "Work e-mail or user name" == page.one("label", for_="identifier").text
    assert "Password" == page.one("label", for_="password").text
    assert "username" == page.one("input", id="identifier")["autocomplete"]
    assert "current-password" == page.one("input", id="password")["autocomplete"]
    assert "password" == page.one("input", id="password")["type"]
    assert ["identifier"] == [e["id"] for e in page.elements if "autofocus" in e]
    assert "You are at id.havn.example" in page.text


def test_says_where_the_sign_in_leads(visitor, provider):
    assert "Continue to Grid Forecast by Kelda Analytics" in Page(visitor.get("/signin/h1").text).text


def test_shows_the_papers_of_the_application_before_anybody_signs_in(visitor, provider):
    """OpenID Connect Registration §2: policy and terms, in a tab of their own."""
    page = Page(visitor.get("/signin/h1").text)

    links = {link["href"]: link for link in page.all("a", target="_blank")}
    assert {"https://kelda.example/privacy", "https://kelda.example/terms"} == set(links)
    assert {"noopener noreferrer"} == {link["rel"] for link in links.values()}


def test_shows_the_logo_and_lets_nothing_else_load(visitor, provider):
    """The policy of this one answer has the logo's origin, and tells it nothing (promise P24)."""
    provider.waits("login", client=replace(LOGIN.client, logo_uri="https://cdn.kelda.example:8443/logo.png"))
    answer = visitor.get("/signin/h1")

    image = Page(answer.text).one("img")
    assert ("https://cdn.kelda.example:8443/logo.png", "") == (image["src"], image["alt"])
    assert "no-referrer" == image["referrerpolicy"]
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "img-src 'self' https://cdn.kelda.example:8443" in policy
    assert "default-src 'none'" in policy


def test_a_logo_that_is_no_address_is_not_shown(visitor, provider):
    provider.waits("login", client=replace(LOGIN.client, logo_uri="javascript:alert(1)"))
    answer = visitor.get("/signin/h1")

    assert "<img" not in answer.text
    assert "img-src 'self';" in answer.headers["Content-Security-Policy"]


def test_signs_in_for_our_own_pages_without_a_client(visitor, provider):
    provider.waits("login", client=None)

    assert "Continue to your account." in Page(visitor.get("/signin/h1").text).text


def test_login_hint_fills_the_name(visitor, provider):
    """What the client knows is not typed again (OpenID Connect Core §3.1.2.1); the cursor waits in the password."""
    provider.waits("login", login_hint="ada@northsea.example")
    page = Page(visitor.get("/signin/h1").text)

    assert "ada@northsea.example" == page.one("input", id="identifier")["value"]
    assert ["password"] == [e["id"] for e in page.elements if "autofocus" in e]


def test_right_password_goes_on(fill, provider):
    answer = fill("/signin/h1", identifier=" ada ", password=PASSWORD)

    assert 303 == answer.status_code
    assert ("authenticate", "ada", "127.0.0.1", "sealed-device") in provider.calls
    assert ("login", "h1", "proof of ada") == provider.calls[-1]


def test_a_password_is_sent_as_typed(fill, provider):
    """A space at its end belongs to it."""
    assert 401 == fill("/signin/h1", identifier="ada", password=f"{PASSWORD} ").status_code


def test_wrong_password_is_401_beside_the_field(fill, provider):
    """The name stays, the password never comes back; the error is tied to its field, which has the focus."""
    answer = fill("/signin/h1", identifier="ada", password="not this one")
    page = Page(answer.text)
    field = page.one("input", id="password")

    assert 401 == answer.status_code
    assert f"Error: {WRONG}" == page.one("p", id="password-error").text
    assert ("true", "password-error") == (field["aria-invalid"], field["aria-describedby"])
    assert "autofocus" in field
    assert "value" not in field
    assert "not this one" not in answer.text
    assert "ada" == page.one("input", id="identifier")["value"]
    assert page.one("title").text.startswith("Error: ")


def test_two_empty_fields_are_summarised(fill, provider):
    """From two errors on the summary has the focus, says the same words, and leads to the fields."""
    answer = fill("/signin/h1", identifier=" ", password="")
    page = Page(answer.text)

    assert 400 == answer.status_code
    assert ["alert"] == [e["role"] for e in page.elements if "autofocus" in e]
    assert "Enter your work e-mail or user name." == page.one("a", href="#identifier").text
    assert "Enter your password." == page.one("a", href="#password").text
    assert not provider.calls


def test_too_long_is_refused_before_hashing(fill, provider):
    answer = fill("/signin/h1", identifier="ada", password="x" * 1001)

    assert 400 == answer.status_code
    assert not provider.calls


def test_a_throttled_address_waits(fill, provider):
    provider.throttled = 200
    answer = fill("/signin/h1", identifier="ada", password=PASSWORD)
    page = Page(answer.text)

    assert 429 == answer.status_code
    assert "200" == answer.headers["Retry-After"]
    assert "Paused for a moment" == page.heading
    assert "4 minutes. No account is locked." in page.text
    assert "/signin/h1" == page.one("a", class_="button full")["href"]


def test_a_known_person_gives_the_password_alone(visitor, fill, provider):
    """The name is not asked, and cannot be changed by what is posted; managers still see it."""
    provider.waits("login", user=ADA, reauthenticate=True)
    page = Page(visitor.get("/signin/h1").text)
    fill("/signin/h1", identifier="mallory", password=PASSWORD)

    assert "Confirm that it is you" == page.heading
    assert "Ada Larsen" in page.text
    assert "ada" == page.one("input", autocomplete="username")["value"]
    assert "authenticate ada" == " ".join(provider.calls[-2][:2])


def test_not_you_leads_back(fill, provider):
    provider.waits("login", user=ADA, reauthenticate=True)
    answer = fill("/signin/h1/other-account", page="/signin/h1")

    assert 303 == answer.status_code
    assert ("other_account", "h1") == provider.calls[-1]


def test_another_page_s_turn(visitor, provider):
    """The interaction says which page is due; the pages do not know (and a late POST changes nothing)."""
    provider.waits("consent")

    for answer in (visitor.get("/signin/h1"), visitor.post("/signin/h1", data={"identifier": "a", "password": "b"})):
        assert 303 == answer.status_code
        assert "/signin/h1/consent" == answer.location
    assert not provider.calls


def test_a_lost_interaction_starts_again(visitor, provider):
    answer = visitor.get("/signin/unknown")

    assert 400 == answer.status_code
    assert "Start again" == Page(answer.text).heading


def test_a_hostile_client_name_is_text(visitor, provider):
    """Client metadata is anybody's text: it neither becomes markup nor turns the sentence around."""
    name = "<script>alert(1)</script>\u202e"
    hostile = replace(LOGIN.client, name=name, owner="<b>", uri="javascript:alert(1)")
    for prompt, path in (("login", ""), ("company", "/company"), ("consent", "/consent")):
        provider.waits(prompt, client=hostile)
        answer = visitor.get(f"/signin/h1{path}")

        assert 200 == answer.status_code
        assert "<script" not in answer.text
        assert "javascript:" not in answer.text
        assert "<bdi>&lt;script&gt;" in answer.text
        Page(answer.text)
