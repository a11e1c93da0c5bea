"""What comes in: query parameters and JSON bodies, read strictly."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from resource_server.datasets.cursor import Position
from resource_server.datasets.names import line
from resource_server.datasets.service import current_service
from resource_server.guard import current_principal

_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
Parsed = TypeVar("Parsed", bound=BaseModel)


class Body(BaseModel, strict=True, extra="forbid"):
    """A JSON object with these members and no others."""


Subject = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(line)]


def body(model: type[Parsed]) -> Parsed:
    """The request's JSON object, checked.

    Raises:
        BadRequest: it is not JSON, repeats a member, or is not what `model` says.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("the body must be application/json")
    try:
        return model.model_validate(_json(read_body()))
    except ValidationError as error:
        raise BadRequest(_complaint(error)) from None


def read_body() -> bytes:
    """The whole body, within the limit; not what a client left unfinished."""
    data = request.get_data()
    # A server that ends the stream itself does not tell an end from a break.
    if request.content_length not in (None, len(data)):
        raise BadRequest("the body is shorter than Content-Length says")
    return data


def _json(data: bytes) -> object:
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON, or repeats a member of an object") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse_constant(_name: str) -> None:
    raise ValueError  # NaN and Infinity are not JSON


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "extra_forbidden":
        return "the body has a member that is not known here"
    where = ".".join(map(str, first["loc"])) or "body"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def parameter(name: str) -> str | None:
    """A query parameter, given at most once.

    Raises:
        BadRequest: it is repeated.
    """
    values = request.args.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"{name} is given more than once")
    return values[0] if values else None


def choice(name: str, *allowed: str) -> str | None:
    """A query parameter that is one of these words."""
    value = parameter(name)
    if value is not None and value not in allowed:
        raise BadRequest(f"{name} must be one of {', '.join(allowed)}")
    return value


def subject(name: str) -> str | None:
    """A query parameter that names a person or client."""
    value = parameter(name)
    if value is None:
        return None
    if not 1 <= len(value) <= 255 or not value.isprintable():
        raise BadRequest(f"{name} is no subject")
    return value


def limit() -> int:
    """How many items a page may have."""
    given = parameter("limit")
    if given is None:
        return 50
    if not (given.isascii() and given.isdigit() and len(given) <= 3 and 1 <= int(given) <= 100):
        raise BadRequest("limit must be a number from 1 to 100")
    return int(given)


def after(sort: str) -> Position | None:
    """Where the page before ended, in this order and for this person."""
    given = parameter("cursor")
    return None if given is None else current_service().cursors.read(given, current_principal().sub, sort)


def moment(value: str) -> datetime:
    """A date and time with a zone, RFC 3339 §5.6.

    Raises:
        ValueError: it is none.
    """
    if not _RFC3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 date and time with a zone")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an RFC 3339 date and time with a zone") from None
