"""Flask: views that are reached with a good token only, and refusals in the words of RFC 6750, 9449 and 9470."""

from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from flask import Flask, Response, current_app, g, jsonify, request

from resource_server.errors import InsufficientScope, Refused, Unavailable
from resource_server.presented import Presented
from resource_server.principal import Principal
from resource_server.server import ResourceServer

P = ParamSpec("P")
R = TypeVar("R")

_EXTENSION = "resource_server"


def protect(app: Flask, server: ResourceServer) -> None:
    """Let `require_scope` use `server`; answer `Refused` and `Unavailable` as problems; serve the metadata."""
    app.extensions[_EXTENSION] = server
    app.register_error_handler(Refused, refuse)
    app.register_error_handler(Unavailable, unavailable)
    app.add_url_rule(server.metadata_path, "protected_resource_metadata", lambda: jsonify(server.metadata()))


def require_scope(
    *scopes: str, acr_values: Sequence[str] = (), max_age: int | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only a token with all of these scopes in (with none named: any good token): see `current_principal`.

    Args:
        scopes: each is needed, exactly.
        acr_values: one of these must be how the user signed in (RFC 9470).
        max_age: seconds since then, at most.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            principal = current_principal()
            if not principal.scopes.issuperset(scopes):
                raise InsufficientScope(*scopes)
            _server().require_sign_in(principal, acr_values=acr_values, max_age=max_age)
            return view(*args, **kwargs)

        return guarded

    return decorate


def current_principal() -> Principal:
    """The sender of this request, by its token, checked once a request; raises `Refused` and `Unavailable`."""
    if "principal" not in g:
        g.principal = _server().authenticate(_presented())
    found: Principal = g.principal
    return found


def refuse(refused: Refused) -> Response:
    """The refusal as a problem (RFC 9457) with its challenge."""
    answer = _problem(refused.status, refused.description, error=refused.error)
    return challenged(answer, refused)


def challenged(answer: Response, refused: Refused) -> Response:
    """The answer with what the client should have brought."""
    for value in _server().challenges(refused, request.headers.getlist("Authorization")):
        answer.headers.add("WWW-Authenticate", value)
    return answer


def unavailable(error: Unavailable) -> Response:
    """503: what the identity provider's trouble is stays in the log."""
    current_app.logger.warning("no answer about a token: %s", error)
    answer = _problem(503, "the identity provider cannot be asked at the moment")
    answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _presented() -> Presented:
    server = _server()
    return Presented(
        authorization=request.headers.getlist("Authorization"),
        dpop=request.headers.getlist("DPoP"),
        method=request.method,
        base=server.base,
        path=request.path,
        certificate=_certificate(server),
    )


def _certificate(server: ResourceServer) -> bytes | None:
    header = server.certificate
    if header is None:
        return None
    # Before any middleware replaced it by what a header says.
    peer = request.environ.get("werkzeug.proxy_fix.orig", request.environ).get("REMOTE_ADDR")
    return header.read(request.headers.get(header.name), peer)


def _problem(status: int, detail: str, **members: str | None) -> Response:
    named = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail, **members}
    answer = jsonify({name: value for name, value in named.items() if value})
    answer.status_code = status
    answer.content_type = "application/problem+json"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _server() -> ResourceServer:
    server: ResourceServer = current_app.extensions[_EXTENSION]
    return server
