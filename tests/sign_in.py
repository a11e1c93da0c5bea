"""A small application around sign-in, on a real PostgreSQL: what the pages do, without the pages."""

import psycopg
import pytest
from flask import Flask, request

from idp.accounts import account
from idp.accounts.login import Throttled, WrongPassword, authenticate
from idp.context import Context
from idp.db import db, engine_options, prepare, sqlalchemy_url
from idp.errors import OAuthError
from idp.sso import browser, csrf, session
from keys import KeySet, Policy, parse_kek

PASSWORD = "correct horse battery"


@pytest.fixture
def app(idp_database, clock, settings):
    application = Flask(__name__)
    application.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(idp_database.application)
    application.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(8)
    db.init_app(application)
    keks = [parse_kek(settings.keys.kek.get_secret_value())]
    keys = KeySet(lambda: psycopg.connect(idp_database.application), keks, Policy(), lambda: clock().timestamp())
    keys.refresh()
    application.extensions["idp"] = Context(settings=settings, keys=keys, now=clock)
    _routes(application)
    with application.app_context():
        prepare(db.engine)
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()
    with psycopg.connect(idp_database.owner, autocommit=True) as connection:
        connection.execute("DELETE FROM user_account; DELETE FROM attempt; DELETE FROM security_event")


@pytest.fixture
def world(app):
    return World(app)


class World:
    """The application, its people and what its tables say."""

    def __init__(self, app):
        self.app = app

    def person(self, username, password=PASSWORD, **fields):
        """Make a person; their id."""
        with self.app.app_context():
            made = account.hashed(password) if password else fields.pop("password_hash", None)
            with db.transaction():
                return account.create(username, password_hash=made, **fields).id

    def disable(self, username):
        with self.app.app_context(), db.transaction():
            account.disable(account.find(username))

    def browser(self, address="192.0.2.1"):
        return Browser(self.app, address)

    def query(self, statement, **values):
        with self.app.app_context(), db.hot() as cursor:
            return cursor.execute(statement, values).fetchall()

    def events(self):
        return [kind for (kind,) in self.query("SELECT kind FROM security_event ORDER BY id")]


class Browser:
    """Keeps cookies and an address."""

    def __init__(self, app, address):
        self._client = app.test_client()
        self._from = {"base_url": "https://id.example.com", "environ_overrides": {"REMOTE_ADDR": address}}

    def login(self, identifier, password=PASSWORD):
        return self._client.post("/login", data={"identifier": identifier, "password": password}, **self._from)

    def get(self, path):
        return self._client.get(path, **self._from)

    def post(self, path, **data):
        return self._client.post(path, data=data, **self._from)

    def whoami(self):
        return self.get("/whoami").json

    def cookie(self, name):
        found = self._client.get_cookie(name, "id.example.com")
        return found.value if found else None

    def set_cookie(self, name, value):
        self._client.set_cookie(name, value, domain="id.example.com", secure=True)

    def drop_cookie(self, name):
        self._client.delete_cookie(name, domain="id.example.com")


def _routes(app):
    """What `idp.app` and the pages do with sign-in: commit what a view or a refusal did, roll back the rest."""

    @app.after_request
    def commit(response):
        db.session.commit() if response.status_code < 500 else db.session.rollback()
        return response

    @app.errorhandler(OAuthError)
    def refused(error):
        return {"error": error.error, "description": error.description}, error.status_code, error.headers

    @app.post("/login")
    def login():
        form = request.form
        address = request.remote_addr
        try:
            proof = authenticate(form["identifier"], form["password"], address=address, device=browser.device())
        except WrongPassword:
            return {"error": "wrong"}, 401
        except Throttled as pause:
            return {"error": "paused"}, 429, {"Retry-After": str(pause.retry_after)}
        started = session.start(proof)
        assert started == session.current()
        return {"sid": str(started.id), "sub": proof.sub, "auth_time": started.auth_time.timestamp()}

    @app.get("/whoami")
    def whoami():
        found = session.current()
        return {"sid": str(found.id), "sub": found.sub, "amr": found.amr, "acr": found.acr} if found else {}

    @app.post("/logout")
    def logout():
        session.end(session.current(), session.Reason.SIGNED_OUT)
        assert session.current() is None
        return {}

    @app.post("/fail")
    def fail():
        browser.secret(create=True)
        return {}, 503

    @app.get("/form/<purpose>")
    def form(purpose):
        return {"token": csrf.token(purpose)}

    @app.post("/form/<purpose>")
    def submit(purpose):
        return {"valid": csrf.valid(request.form["token"], purpose)}

    @app.get("/browser")
    def show_browser():
        return {"secret": browser.secret(create="create" in request.args)}

    @app.post("/browser")
    def renew_browser():
        return {"secret": browser.renew()}
