"""Bad input on every endpoint: the specified error or a page, never a failure, nothing half done (promise P27)."""

import base64
from functools import partial

import pytest
from actors import PUBLIC_URL, Browser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FORM = "application/x-www-form-urlencoded"
QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KNOWN = {
    "authorize": (
        "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age",
        "login_hint", "id_token_hint", "display", "ui_locales", "acr_values", "claims", "request", "request_uri",
        "registration", "code_challenge", "code_challenge_method", "resource", "company", "page", "iss",
        "authorization_details",
    ),
    "token": (
        "grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "audience",
        "company", "authorization_details", "client_id", "client_secret",
        "client_assertion", "client_assertion_type", "username", "password",
        "device_code", "auth_req_id",
        "subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type", "assertion",
    ),
    "elsewhere": (
        "client_id", "client_secret", "scope", "resource", "company", "claims", "acr_values", "max_age", "login_hint",
        "id_token_hint", "login_hint_token", "binding_message", "requested_expiry", "client_notification_token",
        "user_code", "authorization_details", "request", "ui_locales",
    ),
    "token only": ("token", "token_type_hint", "client_id", "client_secret"),
    "logout": (
        "id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "csrf_token",
    ),
    "userinfo": ("access_token",),
    "pages": (
        "identifier", "password", "csrf_token", "company", "decision", "q", "ui_locales", "user_code", "outcome", "id",
    ),
}  # fmt: skip

# What decodes to text: long, of every script, with controls; and what does not.
texts = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-1", "none", "*", "openid", "true", "null", "[]", "{}", "a" * 5000, "\r\n", "\u202e"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
    st.from_regex(r"[a-z]{2,5}_[A-Za-z0-9_-]{1,50}(\.[A-Za-z0-9_-]{0,50}){0,4}", fullmatch=True),
)
raw = st.one_of(
    texts.map(lambda text: text.encode()),
    st.binary(max_size=30),
    st.sampled_from([b"%00", b"%", b"%zz", b"%ff%fe", b"\xed\xa0\x80", b"+", b"&", b"=", b";"]),
)


def escaped(data):
    return b"".join(b"%%%02X" % byte for byte in data)


def pairs(names):
    """An encoded form: known and unknown names, repeated, empty, percent-encoded or raw."""
    name = st.one_of(st.sampled_from(names).map(str.encode), raw.map(escaped))
    value = st.one_of(raw.map(escaped), raw)
    return st.lists(st.tuples(name, value), max_size=8).map(lambda found: b"&".join(b"=".join(pair) for pair in found))


headers = st.dictionaries(
    st.sampled_from(
        ["Authorization", "Cookie", "Origin", "Accept", "Accept-Language", "Content-Encoding", "DPoP", "Range"]
    ),
    st.one_of(
        st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40),
        raw.map(lambda data: "Basic " + base64.b64encode(data).decode()),
        texts.map(lambda text: "Bearer " + base64.urlsafe_b64encode(text.encode()).decode()),
        st.sampled_from(
            ["Basic", "Bearer", "Bearer ", "__Host-idp=x; __Host-idp-tx=y", "null", "*/*;q=x", "Basic Og=="]
        ),
    ),
    max_size=2,
)
types = st.sampled_from([FORM, FORM, FORM, "application/json", "text/plain", "", "multipart/form-data", ";", "a/b; c"])


@pytest.fixture
def sane(world):
    """The world before; afterwards the same: refused input leaves nothing behind but attempts and waiting requests."""
    tables = ("oauth_grant", "authorization_code", "consent", "sso_session", "revoked_token", "session_client")
    before = {table: world.count(table) for table in tables}
    yield
    assert before == {table: world.count(table) for table in tables}


def get(http, path, query, headers=()):
    """A GET with the query's bytes as they are."""
    raw = {"QUERY_STRING": query.decode("latin-1")}
    return http.get(path, environ_overrides=raw, headers=dict(headers), base_url=PUBLIC_URL)


def refused(response, *, allowed=()):
    assert response.status_code in (400, 401, 403, 404, 405, 413, 414, 415, 429, *allowed), response.text
    if response.content_type == "application/json":
        assert {"error", "error_description"} >= response.json.keys()
        assert all(" " <= char <= "~" and char not in '"\\' for char in response.json.get("error_description", ""))
    return response


@QUICK
@given(query=pairs(KNOWN["authorize"]), headers=headers)
def test_authorize_answers_anything(app, client, sane, query, headers):
    """GET and POST: a page, or an error at the client's address."""
    http = app.test_client()
    http.set_cookie("__Host-idp-tx", "x" * 50, domain="id.example.com", secure=True)
    known = b"client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fcallback&response_type=code&"
    ours = ("/signin/", "https://shop.example/callback?", f"{PUBLIC_URL}/oauth2/authorize?")
    for sent in (query, known + query):
        for response in (
            get(http, "/oauth2/authorize", sent, headers),
            http.post("/oauth2/authorize", data=sent, content_type=FORM, headers=headers, base_url=PUBLIC_URL),
        ):
            refused(response, allowed=(303,))
            assert response.headers.get("Location", "/signin/").startswith(ours)


@pytest.mark.parametrize(
    ("path", "known"),
    [("/oauth2/token", "token"), ("/oauth2/introspect", "token only"), ("/oauth2/revoke", "token only")],
)
@QUICK
@given(data=st.data())
def test_endpoints_of_clients_answer_anything(app, client, sane, path, known, data):
    """Authenticated or not, in any encoding."""
    body, sent, kind = data.draw(pairs(KNOWN[known])), data.draw(headers), data.draw(types)
    good = {"Authorization": "Basic " + base64.b64encode(f"shop:{client.secret}".encode()).decode()}
    for chosen in (sent, good):
        response = client.http.post(path, data=body, headers=chosen, content_type=kind, base_url=PUBLIC_URL)
        refused(response, allowed=() if path == "/oauth2/token" else (200,))
        if response.status_code == 200 and path == "/oauth2/introspect":
            assert {"active": False} == response.json


class TestDecoupled:
    """What asks for an answer elsewhere (RFC 8628, CIBA), by clients that may."""

    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": ("+ciba",)})

    @pytest.mark.parametrize("path", ["/oauth2/device_authorization", "/oauth2/bc-authorize"])
    @QUICK
    @given(body=pairs(KNOWN["elsewhere"]))
    def test_endpoints_answer_anything(self, app, world, client, sane, path, body):
        world.user("ada")
        grants = ["urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"]
        world.execute("UPDATE client SET grant_types = %(grants)s", grants=grants)
        world.forget_cache()
        pair = base64.b64encode(f"shop:{client.secret}".encode()).decode()
        for sent in (body, b"login_hint=ada&scope=openid&" + body):
            response = client.http.post(
                path, data=sent, headers={"Authorization": f"Basic {pair}"}, content_type=FORM, base_url=PUBLIC_URL
            )
            assert 200 == response.status_code or refused(response)
        world.execute("DELETE FROM decoupled_authorization")
        world.execute("DELETE FROM user_account")

    @QUICK
    @given(path=st.sampled_from(["/device", "/device/done", "/account/approvals"]), body=pairs(KNOWN["pages"]))
    def test_pages_answer_anything(self, app, sane, path, body):
        http = app.test_client()
        refused(get(http, path, body), allowed=(200, 303))
        refused(http.post(path, data=body, content_type=FORM, base_url=PUBLIC_URL), allowed=(303,))


@QUICK
@given(query=pairs(KNOWN["logout"]), headers=headers)
def test_logout_answers_anything(app, client, sane, query, headers):
    """A page, or the same by GET; nobody is led elsewhere."""
    http = app.test_client()
    for response in (
        get(http, "/oauth2/logout", query, headers),
        http.post("/oauth2/logout", data=query, headers=headers, content_type=FORM, base_url=PUBLIC_URL),
    ):
        refused(response, allowed=(200, 303))
        assert response.headers.get("Location", PUBLIC_URL).startswith(PUBLIC_URL)


@QUICK
@given(body=pairs(KNOWN["userinfo"]), headers=headers, kind=types)
def test_userinfo_answers_anything(app, client, sane, body, headers, kind):
    """401 or 400, and always with a challenge."""
    http = app.test_client()
    for response in (
        get(http, "/oauth2/userinfo", body, headers),
        http.post("/oauth2/userinfo", data=body, headers=headers, content_type=kind, base_url=PUBLIC_URL),
    ):
        refused(response)


@QUICK
@given(path=st.one_of(raw.map(escaped), st.just(b"")), body=pairs(KNOWN["pages"]))
def test_pages_answer_anything(app, client, sane, path, body):
    """Any handle, any form."""
    http = app.test_client()
    for suffix in ("", "/company", "/consent", "/other-account"):
        url = f"/signin/{path.decode()}{suffix}"
        refused(get(http, url, body))
        refused(http.post(url, data=body, content_type=FORM, base_url=PUBLIC_URL))


@QUICK
@given(body=pairs(KNOWN["pages"]))
def test_open_pages_answer_anything(app, client, body):
    """A page that really waits, posted with rubbish; and its search."""
    browser = Browser(app)
    browser.open(client)
    path = browser.page.headers["Location"]
    for response in (
        browser.http.post(path, data=body, content_type=FORM, base_url=PUBLIC_URL),
        get(browser.http, path, body),
    ):
        refused(response, allowed=(200,))


# -- each parameter of a good request, spoilt one at a time


SPOILT = {
    "missing": None,
    "empty": "",
    "too long": "x" * 7000,
    "controls": "\x01\x1f\x7f",
    "another script": "ünïcödé",
    "JSON": '{"a": [1]}',
    "number": "123",
}


def spoilt(good, how):
    worse = {"repeated": [good] * 2, "NUL": good + "\0", "no UTF-8": b"\xff"}
    return worse[how] if how in worse else SPOILT[how]


@pytest.mark.parametrize("how", [*SPOILT, "repeated", "NUL", "no UTF-8"])
@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token"])
def test_each_token_parameter_spoilt(world, browser, client, grant, how):
    """400 or 401 with an error of RFC 6749 §5.2; before the proof a good request still succeeds afterwards."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    forms = {
        "authorization_code": lambda: {
            "grant_type": "authorization_code",
            "code": browser.authorize(client)["code"],
            "redirect_uri": client.redirect_uri,
            "code_verifier": client.verifier,
        },
        "refresh_token": lambda: {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
    }
    errors = {"invalid_request", "invalid_grant", "unsupported_grant_type"}

    for name in forms[grant]():
        form = forms[grant]()
        form[name] = spoilt(form[name], how)
        response = client.post("/oauth2/token", form)
        assert 400 == response.status_code, name
        assert response.json["error"] in errors
        if how in ("repeated", "NUL", "no UTF-8"):
            assert "invalid_request" == response.json["error"]
    assert 200 == client.refresh(tokens["refresh_token"]).status_code


@pytest.mark.parametrize("how", [*SPOILT, "repeated", "NUL", "no UTF-8"])
def test_each_authorization_parameter_spoilt(world, browser, client, how):
    """A page for client_id and redirect_uri and for what is no text; otherwise a redirect, or the value is ignored."""
    for name in KNOWN["authorize"]:
        good = client.parameters(prompt="none").get(name, "x")
        changed = {"prompt": "none", name: spoilt(good, how)}
        response = browser.get("/oauth2/authorize", **client.parameters(**changed))
        page = how in ("NUL", "no UTF-8") or name in ("client_id", "redirect_uri")
        assert (400 if page else 303) == response.status_code, name


def test_confused_types_as_tokens(world, browser, client, machine):
    """A token of one kind in the place of another: refused everywhere (promise P13)."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]
    tokens = {**client.tokens(browser), "code": code}
    kinds = ("access_token", "id_token", "refresh_token", "code")
    uses = {
        "code": partial(client.redeem),
        "refresh_token": partial(client.refresh),
        "access_token": partial(client.userinfo),
        "id_token": lambda token: browser.open(client, prompt="none", id_token_hint=token),
    }

    for kind in kinds:
        for use, act in uses.items():
            if use != kind:
                response = act(tokens[kind])
                assert response.status_code in (400, 401, 303)
                assert "code=" not in response.headers.get("Location", "")
