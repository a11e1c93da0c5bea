"""The application: one service, its API and its portal."""

import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest

from resource_server import ProxyHeader, ResourceServer, protect
from resource_server.datasets import api, portal, problems
from resource_server.datasets.cursor import Cursors
from resource_server.datasets.database import Database
from resource_server.datasets.directory import Directory
from resource_server.datasets.errors import NotFound
from resource_server.datasets.proofs import SharedProofs
from resource_server.datasets.service import SCOPES, Service, current_service
from resource_server.datasets.settings import Settings
from resource_server.fetch import Fetch, fetch

MAX_BODY = 64 * 1024  # bytes; a dataset's content has its own limit


def create_app(settings: Settings, *, fetch: Fetch = fetch, clock: Callable[[], float] = time.time) -> Flask:
    """Put the service together.

    Args:
        settings: with a database URL.
        fetch: how the IdP is reached: keys, introspection, members.
        clock: seconds since the epoch.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    service = build_service(settings, fetch=fetch, clock=clock)
    app.extensions["datasets"] = service
    protect(app, service.tokens)
    problems.register(app)
    app.before_request(_refuse_other_spellings)
    app.before_request(_refuse_bad_encoding)
    app.after_request(_headers)
    api.register(app)
    if settings.portal:
        portal.register(app, service, fetch, clock)
    return app


def build_service(settings: Settings, *, fetch: Fetch = fetch, clock: Callable[[], float] = time.time) -> Service:
    """The service without HTTP."""
    if settings.database_url is None:
        raise ValueError("no database URL")
    secret = settings.client_secret.get_secret_value()
    database = Database(settings.database_url.get_secret_value())
    header = settings.certificate_header
    tokens = ResourceServer(
        issuer=settings.issuer,
        audience=settings.resource,
        public_url=settings.public_url,
        check=settings.token_check,
        client_id=settings.client_id,
        client_secret=secret,
        scopes=SCOPES,
        details=("dataset",),
        bound_only=settings.bound_tokens_only,
        certificate=ProxyHeader(header, settings.proxies) if header else None,
        proofs=SharedProofs(database, clock),
        fetch=fetch,
        now=clock,
    )
    directory = Directory(
        issuer=settings.issuer, client_id=settings.client_id, client_secret=secret, fetch=fetch, now=clock
    )
    return Service(settings, database, directory, tokens, Cursors(secret), clock)


def _refuse_other_spellings() -> None:
    """Werkzeug routes `//x` as `/x`, and a proxy's rule for `/x` would not have seen it; no name holds NUL."""
    path = request.environ.get("PATH_INFO", "")
    if path.startswith("//") or "\0" in path:
        raise NotFound


def _refuse_bad_encoding() -> None:
    """Werkzeug would replace what is no UTF-8, and PostgreSQL knows no NUL."""
    try:
        query = unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        raise BadRequest("the query is not UTF-8") from None
    if "\0" in query:
        raise BadRequest("the query contains NUL")


def _headers(answer: Response) -> Response:
    """What is said under a token or session is for its bearer alone, and is what its media type says."""
    answer.headers.setdefault("Cache-Control", "private, no-cache")
    answer.vary.update(("Authorization", "Cookie"))
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    if not current_service().settings.development:
        answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return answer
