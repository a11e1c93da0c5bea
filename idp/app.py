"""The application: engine, keys, extensions and pages put together; one transaction a request."""

from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any

import flask
import psycopg
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from psycopg import Connection
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter

from idp import api, edge, events, health, keyring, logs, refusals
from idp.context import Context
from idp.db import db, engine_options, prepare, sqlalchemy_url
from idp.errors import OAuthError
from idp.oauth import extensions as extension_package
from idp.oauth import server_metadata, views
from idp.oauth.extension import enabled
from idp.oauth.server import AuthorizationServer
from idp.settings import Misconfigured, Settings
from keys import KeySet


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
        "MAX_CONTENT_LENGTH": edge.MAX_BODY,
        "MAX_FORM_MEMORY_SIZE": edge.MAX_BODY,
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
    app.extensions["announced"] = server_metadata.document(provider, settings, ui.locales)
    app.register_blueprint(views.blueprint(tuple(provider.endpoints)))
    app.register_blueprint(api.blueprint())
    app.register_blueprint(health.blueprint)
    for blueprint in ui.blueprints:
        app.register_blueprint(blueprint)
    app.before_request(edge.judge)
    app.after_request(edge.headers)
    app.register_error_handler(Exception, refusals.answer)
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
