"""What stands around every page: token, origin, headers."""

import pytest

from tests.ui.fakes import ORIGIN, PASSWORD
from tests.ui.page import Page

FORMS = [
    ("login", "/signin/h1", {"identifier": "ada", "password": PASSWORD}),
    ("company", "/signin/h1/company", {"company": "c1"}),
    ("consent", "/signin/h1/consent", {"decision": "allow"}),
    ("consent", "/signin/h1/other-account", {}),
]
ENDS_AT_A_CLIENT = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"


@pytest.mark.parametrize(("prompt", "path", "fields"), FORMS)
@pytest.mark.parametrize("token", [None, "", "forged", "another form's", "another browser's"])
def test_a_form_without_its_token_starts_again(visitor, provider, prompt, path, fields, token):
    provider.waits(prompt)
    if token == "another form's":
        token = provider.token("login:h2")
    if token == "another browser's":
        token = provider.token(f"{path.rpartition('/')[2]}:h1")
        provider.secret = "browser-2"
    answer = visitor.post(path, data={**fields, **({} if token is None else {"csrf_token": token})})

    assert 400 == answer.status_code
    assert "Start again" == Page(answer.text).heading
    assert not provider.calls


@pytest.mark.parametrize(("prompt", "path", "fields"), FORMS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ORIGIN.replace("https", "http")},
        {"Origin": f"{ORIGIN}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_post_from_elsewhere_is_refused(fill, provider, prompt, path, fields, headers):
    """Even with the right token."""
    provider.waits(prompt)
    answer = fill(path, page="/signin/h1/consent" if prompt == "consent" else path, headers=headers, **fields)

    assert 403 == answer.status_code
    assert not provider.calls


def test_refusals_are_told(visitor, provider):
    """With their reason; that nobody waits for such a page is no forgery."""
    visitor.post("/signin/h1", data={"csrf_token": "s3cret"}, headers={"Origin": "https://evil.example"})
    visitor.post("/signin/h1", data={"csrf_token": "s3cret"})
    visitor.post("/signin/unknown", data={"csrf_token": "s3cret"})

    assert ["origin", "token"] == provider.refusals


def test_a_browser_that_says_nothing_is_believed(visitor, provider):
    """Old ones send neither header; the token decides."""
    token = provider.token("login:h1")
    answer = visitor.post("/signin/h1", data={"csrf_token": token, "identifier": "ada", "password": PASSWORD})

    assert 303 == answer.status_code


@pytest.mark.parametrize(("prompt", "path"), [(prompt, path) for prompt, path, _ in FORMS[:3]])
def test_pages_that_end_at_a_client_have_no_form_action(visitor, provider, prompt, path):
    """Chromium would block the client's own redirects after the POST."""
    provider.waits(prompt)

    assert ENDS_AT_A_CLIENT == visitor.get(path).headers["Content-Security-Policy"]


def test_headers_of_every_page(visitor, provider):
    for answer in (visitor.get("/signin/h1"), visitor.get("/signin/unknown"), visitor.get("/signin/h1/company")):
        assert "no-store" == answer.headers["Cache-Control"]
        assert "same-origin" == answer.headers["Referrer-Policy"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert {"cookie", "accept-language"} <= {name.lower() for name in answer.vary}
        assert "Set-Cookie" not in answer.headers


def test_other_pages_post_to_us_only(visitor, provider):
    policy = visitor.get("/signin/unknown").headers["Content-Security-Policy"]

    assert f"{ENDS_AT_A_CLIENT}; form-action 'self'" == policy


def test_nothing_is_inline_or_foreign(visitor, provider):
    """The policy would block it."""
    for prompt, path, _fields in FORMS[:3]:
        provider.waits(prompt)
        page = Page(visitor.get(path).text)

        assert not [e for e in page.elements if e.tag in ("script", "style", "img") or "style" in e]
        assert all(e["href"].startswith("/static/") for e in page.all("link"))


@pytest.mark.parametrize("body", [b"[1,2]", b"{", b'"x"', b"\xff"])
def test_json_is_no_form(visitor, provider, body):
    answer = visitor.post("/signin/h1", data=body, content_type="application/json")

    assert 400 == answer.status_code


def test_static_files_are_kept_for_a_year(visitor, provider):
    """Their address holds a digest of their content; another version's address answers, but is not kept."""
    sheet = Page(visitor.get("/signin/h1").text).one("link", rel="stylesheet")["href"]
    kept, other = visitor.get(sheet), visitor.get("/static/000000000000/app.css")

    assert "public, max-age=31536000, immutable" == kept.headers["Cache-Control"]
    assert 304 == visitor.get(sheet, headers={"If-None-Match": kept.headers["ETag"]}).status_code
    assert 200 == other.status_code
    assert "no-cache" == other.headers["Cache-Control"]
    assert "nosniff" == kept.headers["X-Content-Type-Options"]
    assert 404 == visitor.get(sheet.replace("app.css", "..%2f__init__.py")).status_code
