"""Refusals and failures: who gets JSON, who a page; limits at the edge; the database away (promises P27, P30)."""

import logging
import re
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from actors import PUBLIC_URL, Browser, Client

import consent_ui
from idp.app import create_app
from idp.db import db

FORM = "application/x-www-form-urlencoded"
METHODS = {
    "/oauth2/token": {"POST", "OPTIONS"},
    "/oauth2/introspect": {"POST"},
    "/oauth2/revoke": {"POST", "OPTIONS"},
    "/oauth2/userinfo": {"GET", "HEAD", "POST", "OPTIONS"},
    "/oauth2/authorize": {"GET", "HEAD", "POST"},
    "/oauth2/logout": {"GET", "HEAD", "POST"},
    "/oauth2/device_authorization": {"POST"},
    "/device/done": {"GET", "HEAD", "OPTIONS"},
    "/oauth2/jwks": {"GET", "HEAD", "OPTIONS"},
    "/.well-known/openid-configuration": {"GET", "HEAD", "OPTIONS"},
    "/health/live": {"GET", "HEAD", "OPTIONS"},
}


# -- the shape of answers


@pytest.mark.parametrize("path", METHODS)
def test_other_methods_are_405_and_allow_says_which(app, path):
    """RFC 9110 §15.5.6, for each endpoint; nothing is done by a method that is not declared."""
    http = app.test_client()
    for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - METHODS[path]:
        response = http.open(path, method=method, base_url=PUBLIC_URL)
        assert 405 == response.status_code
        assert METHODS[path] == set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    "path", ["/oauth2/token/", "/oauth2//token", "//oauth2/token", "/oauth2/token;a=b", "/oauth2/x", "/.well-known/x"]
)
def test_paths_are_exact(app, path):
    """No matrix parameters, no merged slashes, no redirects (Keycloak CVE-2026-0976): 404 as JSON."""
    response = app.test_client().post(path, base_url=PUBLIC_URL)

    assert 404 == response.status_code
    assert "Location" not in response.headers


def test_machines_get_json_and_people_pages(app):
    """Whatever Accept says: Java's default begins with text/html."""
    http = app.test_client()
    html, json = {"Accept": "text/html"}, {"Accept": "application/json"}

    for path in ("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/x"):
        response = http.post(path, data={"grant_type": "x"}, headers=html, base_url=PUBLIC_URL)
        assert "application/json" == response.content_type
        assert {"error", "error_description"} == response.json.keys()
        assert "no-store" == response.headers["Cache-Control"]
    for path in ("/oauth2/authorize", "/oauth2/logout?id_token_hint=x", "/nowhere"):
        response = http.get(path, headers=json, base_url=PUBLIC_URL)
        assert response.content_type.startswith("text/html")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_every_answer_is_protected(app, client):
    """nosniff and HSTS everywhere; no-store and Vary: Cookie on all but the public documents."""
    http = app.test_client()
    paths = ("/oauth2/authorize", "/oauth2/userinfo", "/oauth2/jwks", "/nowhere", "/oauth2/x", "/health/live")
    for response in [http.get(path, base_url=PUBLIC_URL) for path in paths] + [client.token(grant_type="x")]:
        assert "nosniff" == response.headers["X-Content-Type-Options"]
        assert "max-age=63072000; includeSubDomains" == response.headers["Strict-Transport-Security"]
        if "public" not in response.headers["Cache-Control"]:
            assert "no-store" == response.headers["Cache-Control"]


def test_error_page_has_a_reference_that_the_log_has_too(app, caplog):
    """Whoever is asked for help finds the line; the page itself says nothing of the inside."""
    with caplog.at_level(logging.INFO, "idp"):
        page = app.test_client().get("/oauth2/authorize?client_id=nobody", base_url=PUBLIC_URL)

    (line,) = [record for record in caplog.records if getattr(record, "reference", None)]
    assert re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", line.reference)
    assert line.reference in page.text


def test_failure_of_ours_tells_nothing(app, client, monkeypatch, caplog):
    """A mistake of ours: the traceback is for the log alone."""
    monkeypatch.setattr("idp.oauth.tokens.respond", lambda *_: 1 / 0)
    monkeypatch.setattr("idp.oauth.authorize.dispatch", lambda *_: 1 / 0)
    machine = Client(app, client.client_id, client.secret)
    with app.app_context(), db.hot() as cursor:
        cursor.execute("UPDATE client SET grant_types = '{client_credentials}'")

    token = machine.token(grant_type="client_credentials")
    page = Browser(app).open(client)

    assert (500, {"error": "server_error", "error_description": "something failed on our side"}) == (
        token.status_code,
        token.json,
    )
    assert 500 == page.status_code
    assert "ZeroDivision" not in token.text + page.text
    assert 2 == len([record for record in caplog.records if record.exc_info])


def test_tokens_and_secrets_reach_no_log(world, app, browser, client, caplog):
    """Codes, tokens, secrets, passwords: none of them in any line, at any level."""
    world.user("ada")
    with caplog.at_level(logging.DEBUG):
        code = browser.authorize(client, user="ada")["code"]
        tokens = client.redeem(code).json
        client.redeem(code)
        client.userinfo(tokens["access_token"])
        client.refresh(tokens["refresh_token"])
        client.introspect(tokens["access_token"])
        client.revoke(tokens["refresh_token"])
        Client(app, "shop", "wr0ng-secret").token(grant_type="client_credentials")
        browser.get("/oauth2/logout", id_token_hint=tokens["id_token"])

    written = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    kept = (code, tokens["access_token"], tokens["refresh_token"], tokens["id_token"], client.secret, client.verifier)
    assert not [secret for secret in (*kept, "wr0ng-secret", "correct horse battery staple") if secret in written]


# -- limits at the edge


PLACES = ("/oauth2/token", "/oauth2/introspect", "/oauth2/authorize", "/signin/x")


@pytest.mark.parametrize("path", [*PLACES, "/oauth2/userinfo", "/nowhere"])
def test_too_large_a_body_is_413(app, path):
    """64 KiB, whatever it is; one byte less is read."""
    ask = {"base_url": PUBLIC_URL, "content_type": FORM}
    http = app.test_client()

    large = http.post(path, data=b"x=" + b"a" * (64 * 1024 - 1), **ask)
    fits = http.post(path, data=b"x=" + b"a" * (64 * 1024 - 2), **ask)

    raw = {"QUERY_STRING": "\xff"}
    assert 400 == http.post(path, data=b"x=" + b"a" * 70_000, environ_overrides=raw, **ask).status_code
    assert 413 == large.status_code
    assert fits.status_code in (400, 401, 404)


@pytest.mark.parametrize("path", ["/oauth2/authorize", "/oauth2/jwks", "/nowhere"])
def test_too_long_a_url_is_414(app, path):
    """8 KiB with its query."""
    http = app.test_client()
    room = 8 * 1024 - len(path)

    assert 414 == http.get(f"{path}?{'a' * (room + 1)}", base_url=PUBLIC_URL).status_code
    assert 414 != http.get(f"{path}?{'a' * room}", base_url=PUBLIC_URL).status_code
    assert 414 == http.get(f"/{'a' * 8192}", base_url=PUBLIC_URL).status_code
    assert 414 == http.get(path, environ_overrides={"QUERY_STRING": "\xff" * 8192}, base_url=PUBLIC_URL).status_code


@pytest.mark.parametrize("sent", ["a=%00", "%00=a", "a=%ff", "a=%c0%80", "a=%ed%a0%80", "a=%f5%80%80%80"])
def test_nul_and_what_is_no_utf8_is_400(app, sent):
    """In query, form and path, on endpoints and pages (promise P27); PostgreSQL could not even store it."""
    http = app.test_client()
    gets = ("/oauth2/authorize", "/oauth2/logout", "/x")
    answers = [http.get(f"{path}?{sent}", base_url=PUBLIC_URL) for path in gets]
    answers += [http.post(path, data=sent, content_type=FORM, base_url=PUBLIC_URL) for path in PLACES]
    answers += [http.get(f"/signin/{sent[2:]}", base_url=PUBLIC_URL)] if sent.startswith("a=") else []

    assert {400} == {answer.status_code for answer in answers}


def test_raw_bytes_are_utf8_too(app, client):
    """Not percent-encoded: text is taken, rubbish is refused."""
    http = app.test_client()
    query = f"client_id=shop&redirect_uri={client.redirect_uri}&prompt=none&state="

    def get(state):
        raw = {"QUERY_STRING": query + state.decode("latin-1")}
        return http.get("/oauth2/authorize", environ_overrides=raw, base_url=PUBLIC_URL)

    good, bad = get("é".encode()), get(b"\xe9")

    assert "state=%C3%A9" in good.headers["Location"]
    assert 400 == bad.status_code


def test_more_than_a_hundred_parameters_are_400(app, client):
    """In query and form together."""
    http = app.test_client()
    many = "&".join(f"p{number}=x" for number in range(102))

    assert 400 == http.get(f"/oauth2/authorize?{many}", base_url=PUBLIC_URL).status_code
    assert 400 == http.post("/oauth2/token", data=many, content_type=FORM, base_url=PUBLIC_URL).status_code
    assert 401 == client.post("/oauth2/token", {"grant_type": "refresh_token"}, auth=None).status_code


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "", "application/x-www-form-urlencoded-x", "multipart/form-data"]
)
def test_other_content_types_are_415(client, content_type):
    """RFC 6749 §3.2: form-encoded; no multipart anywhere (no boundary, no bomb)."""
    for path in ("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/authorize", "/oauth2/logout"):
        response = client.http.post(path, data="grant_type=x", content_type=content_type, base_url=PUBLIC_URL)
        assert 415 == response.status_code
    page = client.http.post("/signin/x", data=b"--\r\n", content_type="multipart/form-data", base_url=PUBLIC_URL)
    assert 415 == page.status_code


def test_charset_of_the_content_type_is_ignored(world, client):
    """Some libraries send one; the encoding is UTF-8."""
    response = client.http.post(
        "/oauth2/token", data="grant_type=x", content_type=f"{FORM}; charset=iso-8859-1", base_url=PUBLIC_URL
    )

    assert "unsupported_grant_type" == response.json["error"]


def test_client_that_was_removed_a_moment_ago_is_a_refusal(world, app, browser, client):
    """The cache knows it for some seconds longer than the tables do."""
    world.user("ada")
    browser.authorize(client, user="ada")
    world.execute("DELETE FROM client")

    waiting = Browser(app).open(client)
    completing = browser.open(client)

    assert [400, 400] == [waiting.status_code, completing.status_code]


# -- the database away and back


class Wire:
    """A Unix socket between the application and PostgreSQL that can be cut, and mended."""

    def __init__(self, directory, real):
        self.path, self._real, self._open = directory / ".s.PGSQL.5432", real, []
        self.mend()

    def mend(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self):
        self.path.unlink()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listener):
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.socket(socket.AF_UNIX)
                there.connect(self._real)
                self._open += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._copy, args=ends, daemon=True).start()

    @staticmethod
    def _copy(source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire(tmp_path_factory, idp_database):
    info = psycopg.conninfo.conninfo_to_dict(idp_database.application)
    directory = tmp_path_factory.mktemp("w")
    made = Wire(directory, str(Path(info["host"]) / f".s.PGSQL.{info['port']}"))
    made.url = f"postgresql://{info['user']}@/{info['dbname']}?host={directory}&port=5432"
    yield made
    with suppress(OSError):
        made.cut()


@pytest.fixture
def away(app, wire, settings, clock):
    """The same provider, whose database hangs on the wire."""
    wired = settings.model_copy(update={"database_url": type(settings.database_url)(wire.url)})
    other = create_app(wired, consent_ui, keys=app.extensions["idp"].keys, now=clock)
    yield other
    with other.app_context():
        db.session.remove()
        db.engine.dispose()


def test_database_away_is_503_everywhere_and_heals_by_itself(world, away, client, wire, clock):
    """Promise P30: Retry-After within 5 s, nothing invented; what needs no database answers; no restart."""
    world.user("ada")
    browser, there = Browser(away), Client(away, client.client_id, client.secret, redirect_uri=client.redirect_uri)
    tokens = there.tokens(browser, user="ada")
    code = browser.authorize(there)["code"]
    http = away.test_client()
    wire.cut()

    began = time.monotonic()
    machines = {
        "code": there.redeem(code),
        "refresh": there.refresh(tokens["refresh_token"]),
        "introspection": there.introspect(tokens["access_token"]),
        "userinfo": there.userinfo(tokens["access_token"]),
        "revocation": there.revoke(tokens["access_token"]),
        "readiness": http.get("/health/ready"),
    }
    pages = {
        "signed in": browser.open(there),
        "new": Browser(away).open(there),
        "silent": browser.open(there, prompt="none"),
    }
    pages["logout"] = browser.get("/oauth2/logout")
    took = time.monotonic() - began
    alive = [
        http.get(path).status_code for path in ("/health/live", "/oauth2/jwks", "/.well-known/openid-configuration")
    ]
    wire.mend()

    assert dict.fromkeys(machines, 503) == {name: answer.status_code for name, answer in machines.items()}
    assert dict.fromkeys(pages, 503) == {name: answer.status_code for name, answer in pages.items()}
    for answer in (*machines.values(), *pages.values()):
        assert "5" == answer.headers["Retry-After"]
        assert "no-store" == answer.headers["Cache-Control"]
    for name in ("code", "refresh", "introspection", "userinfo", "revocation"):
        assert "temporarily_unavailable" == machines[name].json["error"]
    assert all(answer.content_type.startswith("text/html") for answer in pages.values())
    assert [200, 200, 200] == alive
    assert took < 5 * len(machines | pages)
    # A code or token that met the outage is as good as before.
    assert 200 == there.redeem(code).status_code
    assert 200 == there.refresh(tokens["refresh_token"]).status_code
    assert "code" in browser.authorize(there, prompt="none")
    assert 200 == http.get("/health/ready").status_code


@pytest.mark.holds_connections
def test_busy_pool_is_503_too(away, client, wire, world):
    """More waiting requests than connections: an answer in seconds, never a queue without end."""
    world.user("ada")
    there = Client(away, client.client_id, client.secret, redirect_uri=client.redirect_uri)
    token = there.tokens(Browser(away), user="ada")["access_token"]
    with away.app_context():
        held = [db.engine.raw_connection() for _ in range(away.config["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"])]
        answer = there.userinfo(token)
        for connection in held:
            connection.close()

    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
    assert 200 == there.userinfo(token).status_code


def test_a_path_has_one_spelling(app):
    """Slashes are not merged: a proxy that looks at paths and we see the same one."""
    http = app.test_client()
    for path in ("//oauth2/token", "////account", "//.well-known/openid-configuration", "/oauth2//token"):
        assert 404 == http.open(path, base_url="https://id.example.com", method="POST").status_code
