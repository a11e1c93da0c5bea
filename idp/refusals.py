"""Every refusal and every failure leaves here: JSON for machines, a page for people."""

import logging
import secrets
import time

import flask
import psycopg
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from idp import answers, api
from idp.db import AWAY
from idp.errors import InvalidRequest, OAuthError, TemporarilyUnavailable

log = logging.getLogger(__name__)


def answer(error: Exception) -> ResponseReturnValue:
    """The answer to any error, which the log is told of; the transaction is over."""
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
