"""What went wrong, as a page that says why and where to go on."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from resource_server import Unavailable
from resource_server.datasets.cursor import BadCursor
from resource_server.datasets.errors import Forbidden, NotFound
from resource_server.datasets.portal import cookies, dataset, door, pages
from resource_server.datasets.portal.access import Ended, NeedsPerson
from resource_server.datasets.portal.door import SignInFailed, Strange
from resource_server.datasets.portal.forgery import Foreign
from resource_server.datasets.portal.portal import current_portal

_RETRY_AFTER: Final = "5"  # seconds
# Answers of the authorization endpoint that trying again does not change.
_REFUSALS: Final = {"access_denied": "refused", "unmet_authentication_requirements": "factor"}


def register(blueprint: Blueprint) -> None:
    """Answer every refusal and failure of a blueprint's pages."""
    answers: dict[type[Exception] | int, Callable[..., ResponseReturnValue]] = {
        Forbidden: _forbidden,
        NotFound: _not_found,
        404: _not_found,
        BadCursor: lambda _error: _stopped(400, "bad"),
        Foreign: lambda _error: _stopped(403, "foreign"),
        Strange: lambda _error: _stopped(400, "strange"),
        SignInFailed: _sign_in_failed,
        Ended: _ended,
        NeedsPerson: _needs_person,
        413: lambda _error: _stopped(413, "large"),
        HTTPException: _http,
        Unavailable: _away,
        OperationalError: _away,
        InterfaceError: _away,
        PoolTimeout: _away,
        Exception: _unexpected,
    }
    for kind, answer in answers.items():
        blueprint.register_error_handler(kind, answer)


def _stopped(status: int, what: str, **context: str) -> Response:
    return pages.card("stopped", status, what=what, **context)


def _forbidden(error: Forbidden) -> Response:
    reading = request.endpoint in ("portal.dataset.show", "portal.content.download")
    me = None
    with suppress(NotFound, Unavailable):
        me = dataset.steward((request.view_args or {})["dataset_id"]) if reading else None
    return pages.card("denied", 403, reason=error.reason, reading=reading, me=me)


def _not_found(_error: Exception) -> Response:
    # One page for another company's dataset, for none at all, and for an address that is no page.
    return pages.card("missing", 404)


def _sign_in_failed(error: SignInFailed) -> Response:
    return _stopped(403, _REFUSALS.get(error.code, "failed"), code=error.code[:60])


def _ended(_error: Ended) -> ResponseReturnValue:
    cookies.end_session(current_portal())
    # What was sent cannot be sent again by itself; what was asked for can.
    return pages.card("ended", 403) if request.method == "POST" else _to_sign_in()


def _needs_person(error: NeedsPerson) -> ResponseReturnValue:
    return _to_sign_in(company=error.company)


def _to_sign_in(**wishes: str) -> ResponseReturnValue:
    here = request.full_path.rstrip("?") if request.method != "POST" else None
    try:
        return door.sign_in(back_to=here, **wishes)
    except Unavailable as error:
        return _away(error)


def _http(error: HTTPException) -> Response:
    answer = _stopped(error.code or 500, "bad")
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _away(error: Exception) -> Response:
    # Not the words of a database error: they repeat the statement with its values.
    words = str(error) if isinstance(error, Unavailable) else type(error).__name__
    current_app.logger.warning("a page cannot be shown: %s", words)
    answer = _stopped(503, "away")
    answer.headers["Retry-After"] = _RETRY_AFTER
    return answer


def _unexpected(_error: Exception) -> Response:
    current_app.logger.exception("unexpected")
    return _stopped(500, "broken")
