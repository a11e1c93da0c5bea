"""The application: engine, keys, extensions and pages put together; one transaction a request, one error handler."""

import logging
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

import flask
import psycopg
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from psycopg import Connection
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter

from idp import answers, api, events, health, keyring, logs
from idp.context import Context
from idp.db import AWAY, db, engine_options, prepare, sqlalchemy_url
from idp.errors import InvalidRequest, OAuthError, TemporarilyUnavailable
from idp.oauth import announced, views
from idp.oauth import extensions as extension_package
from idp.oauth.extension import enabled
from idp.oauth.request import FORM
from idp.oauth.server import AuthorizationServer
from idp.settings import Misconfigured, Settings
from keys import KeySet

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
MAX_URL = 8 * 1024
MAX_PARAMETERS = 100


class NoSession(SecureCookieSessionInterface):
    """Flask's own session does not exist: our session data is an encrypted JWT (idp.sso)."""

    def open_session(self, app: Flask, request: flask.Request) -> None:
        """No session is opened."""


class Provider(Flask):
    """Flask with one transaction for each request."""

    session_interface = NoSession()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Every function is synchronous; Flask asks for each of them in each request."""
        return func

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Routes depend on path and method; an absolute URL begins like the issuer, never with the Host header."""
        if request is None:
            return super().create_url_adapter(None)
        environ, host, scheme = request.environ, self.config["PUBLIC_HOST"], self.config["PREFERRED_URL_SCHEME"]
        path = environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace")
        query = environ.get("QUERY_STRING", "")
        return MapAdapter(self.url_map, host, "/", "", scheme, path, environ["REQUEST_METHOD"], query)

    def dispatch_request(self) -> ResponseReturnValue:
        """Commit when the view returns or refuses (counted attempts last); roll back on anything else."""
        try:
            answer = super().dispatch_request()
        except OAuthError as error:
            _end_transaction(keep=error.status_code < 500)
            raise
        except BaseException:
            _end_transaction(keep=False)
            raise
        _end_transaction(keep=True)
        return answer


def _end_transaction(*, keep: bool) -> None:
    if not db.session.registry.has():
        return  # hot paths never touch the session
    if keep:
        db.session.commit()
    else:
        db.session.rollback()


def create_app(
    settings: Settings, ui: ModuleType, *, keys: KeySet | None = None, now: Callable[[], datetime] | None = None
) -> Flask:
    """The provider as a WSGI application.

    Args:
        settings: with a database URL and a KEK; the command line fills them for the embedded database.
        ui: the pages: `blueprints` to mount, `locales` that they speak, and `render(page, status=200, **context)`.
        keys: a key set that already exists (tests); otherwise one is made and refreshed by a thread.
        now: the clock (tests), UTC.
    """
    if settings.database_url is None:
        raise Misconfigured("database_url is missing: start with `idp serve`, or set IDP_DATABASE_URL")
    scheme, host = settings.public_url.split("://", 1)
    app = Provider(__name__, static_folder=None)
    # A path has one spelling: a proxy in front of us that merges slashes must not see another endpoint than we do.
    app.url_map.merge_slashes = False
    app.config |= {
        "SQLALCHEMY_DATABASE_URI": sqlalchemy_url(settings.database_url.get_secret_value()),
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings.pool_size),
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "MAX_FORM_MEMORY_SIZE": MAX_BODY,
        "MAX_FORM_PARTS": 100,
        "UI_NAME": settings.ui.name,
        "PUBLIC_HOST": host,
        "PREFERRED_URL_SCHEME": scheme,
    }
    logs.configure()
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
    key_set = keys or keyring.key_set(settings, _connector(app))
    app.extensions["idp"] = Context(settings=settings, keys=key_set, **({"now": now} if now else {}))
    app.extensions["ui"] = ui
    provider = extend(app, settings)
    provider.endpoints[:0] = views.CORE
    app.extensions["announced"] = announced.document(provider, settings, ui.locales)
    app.register_blueprint(views.blueprint(tuple(provider.endpoints)))
    app.register_blueprint(api.blueprint())
    app.register_blueprint(health.blueprint)
    for blueprint in ui.blueprints:
        app.register_blueprint(blueprint)
    app.before_request(_refuse_at_the_edge)
    app.after_request(_headers)
    app.register_error_handler(Exception, _on_error)
    if keys is None:
        key_set.start()
    if settings.deploy.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.deploy.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    return app


def extend(app: Flask, settings: Settings) -> AuthorizationServer:
    """Give the application its extensions: what they do at the endpoints, in the outbox, and when something happens."""
    found = enabled(extension_package, settings)
    if settings.profile and settings.profile not in {each.name for each in found}:
        raise Misconfigured(f"profile: {settings.profile} needs the extension of that name, which is not enabled")
    events.listen(app, [each.sessions_ended for each in found if each.sessions_ended])
    provider = app.extensions["oauth"] = AuthorizationServer(found, settings)

    def answered(response: flask.Response) -> flask.Response:
        for extension in provider.answered:
            extension(response)
        return response

    app.after_request(answered)
    return provider


def _connector(app: Flask) -> Callable[[], Connection]:
    """Own short connections: the refreshing thread must not wait for the pool that requests wait for."""
    url = app.config["SQLALCHEMY_DATABASE_URI"].replace("postgresql+psycopg://", "postgresql://", 1)
    return lambda: psycopg.connect(url, connect_timeout=3, options="-c statement_timeout=5000")


def _refuse_at_the_edge() -> None:
    """What no endpoint could use: too much of anything, and what does not decode to text without NUL."""
    http = flask.request
    environ, media = http.environ, http.mimetype
    # WSGI hands bytes as text (PEP 3333); the path is decoded already.
    path = environ.get("PATH_INFO", "").encode("latin-1")
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    if len(path) + len(query) > MAX_URL:
        _refuse(414)
    if path.startswith(b"//"):
        _refuse(404)  # the router would drop a slash, and a proxy in front that looks at paths see another one
    _refuse_what_is_no_text(path + b"&" + unquote_to_bytes(query))
    if media.startswith("multipart/"):
        flask.abort(415)
    form = http.get_data() if media == FORM else b""
    if query.count(b"&") + form.count(b"&") > MAX_PARAMETERS:
        flask.abort(400, "too many parameters")
    _refuse_what_is_no_text(unquote_to_bytes(form))


def _refuse_what_is_no_text(sent: bytes) -> None:
    try:
        sent.decode()
    except UnicodeDecodeError:
        _refuse(400, "the request must be UTF-8")
    if b"\0" in sent:
        _refuse(400, "the request must not contain NUL")


def _refuse(status: int, words: str | None = None) -> NoReturn:
    # The page of the refusal looks at the query for its language, and Werkzeug fails on one that is no UTF-8.
    flask.request.query_string = b""
    flask.abort(status, words)


def _headers(response: flask.Response) -> flask.Response:
    """What every answer carries."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    if not _settings().development:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Cookie"
    return response


def _settings() -> Settings:
    context: Context = flask.current_app.extensions["idp"]
    return context.settings


def _on_error(error: Exception) -> ResponseReturnValue:
    """Every refusal and every failure leaves here: JSON for machines, a page for people."""
    if isinstance(error, AWAY):
        log.warning("the database is away", extra={"error": type(error).__name__})
        error = TemporarilyUnavailable()
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        # A client is known for some seconds after it was removed.
        error = InvalidRequest("what the request is about was removed a moment ago")
    if isinstance(error, OAuthError):
        log.info("refused", extra=error.facts())
        status, headers = error.status_code, dict(error.get_headers())
        code, words = error.error, error.description
    elif isinstance(error, HTTPException):
        if error.response is not None:
            return error.response
        status, headers = error.code or 500, dict(error.get_headers(scope=None))
        code, words = ("invalid_request", error.description or error.name)
    else:
        # The traceback is for the log alone.
        log.error("failed", exc_info=error)
        status, headers, code, words = 500, {}, "server_error", "something failed on our side"
    if _is_for_people():
        return _page(status, headers, code, words)
    return _json(error, status, headers, code, words)


def _is_for_people() -> bool:
    """Pages for the interactive endpoints and everything that is no endpoint of the protocol or the API."""
    http, endpoints = flask.request, flask.current_app.extensions["oauth"].endpoints
    if any(each.interactive and http.endpoint == f"oauth.{each.name}" for each in endpoints):
        return True
    return not http.path.startswith(("/oauth2/", "/api/", "/.well-known/", "/health/"))


def _page(status: int, headers: dict[str, str], code: str, words: str) -> ResponseReturnValue:
    reference = f"{_letters(4)}-{_letters(4)}"
    log.info("error page", extra={"reference": reference, "error": code, "description": words, "at": time.time()})
    response: flask.Response = flask.current_app.extensions["ui"].render(
        "error", status=status, error=code, message=words, reference=reference, client_name=None
    )
    for name in ("Retry-After", "Allow"):
        if name in headers:
            response.headers[name] = headers[name]
    return response


def _letters(number: int) -> str:
    """Random letters without look-alikes, for people to read out."""
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(number))


def _json(error: Exception, status: int, headers: dict[str, str], code: str, words: str) -> ResponseReturnValue:
    if flask.request.path.startswith("/api/"):
        return api.problem(status, code, words, headers)
    body = dict(error.get_body()) if isinstance(error, OAuthError) else {"error": code, "error_description": words}
    return answers.as_json(body, status, headers.items())
