"""Refusals as the outside sees them: `application/problem+json`, RFC 9457."""

from http import HTTPStatus

from flask import Flask, Response, current_app, json
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from resource_server import InsufficientScope
from resource_server.datasets.content import TooLarge
from resource_server.datasets.cursor import BadCursor
from resource_server.datasets.errors import Forbidden, NotFound
from resource_server.guard import challenged

RETRY_AFTER = "5"  # seconds


def problem(status: int, detail: str = "", **members: object) -> Response:
    """A problem document; it never repeats what was sent and names nothing that the caller may not see."""
    facts = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    body = json.dumps({name: value for name, value in facts.items() if value})
    answer = Response(body, status, content_type="application/problem+json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def register(app: Flask) -> None:
    """Answer every refusal and failure of the application."""
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(404, _not_found)
    app.register_error_handler(Forbidden, _forbidden)
    app.register_error_handler(TooLarge, lambda _error: problem(413, "content may have at most 16 MiB"))
    app.register_error_handler(BadCursor, lambda _error: problem(400, "cursor is not one of yours for this order"))
    app.register_error_handler(HTTPException, _http)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(away, _away)
    app.register_error_handler(Exception, _unexpected)


def _not_found(_error: Exception) -> Response:
    # One answer for another company's dataset, for none at all, and for a path that is no route.
    return problem(404, "there is nothing here for you")


def _forbidden(error: Forbidden) -> Response:
    answer = problem(403, "you may not do this", reason=error.reason)
    if error.scope is not None:
        challenged(answer, InsufficientScope(error.scope))
    return answer


def _http(error: HTTPException) -> Response:
    answer = problem(error.code or 500, error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "Content-Range"):
            answer.headers[name] = value
    return answer


def _away(error: Exception) -> Response:
    current_app.logger.warning("the database cannot be asked: %s", type(error).__name__)
    answer = problem(503, "the service cannot reach its database at the moment")
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


def _unexpected(_error: Exception) -> Response:
    current_app.logger.exception("unexpected")
    return problem(500, "something went wrong here")
