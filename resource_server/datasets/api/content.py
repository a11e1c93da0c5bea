"""`/datasets/<id>/content`: the bytes, as an attachment."""

import re
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import quote

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from resource_server.datasets import content
from resource_server.datasets.models import Dataset
from resource_server.datasets.service import current_service
from resource_server.guard import current_principal

blueprint = Blueprint("content", __name__)

# RFC 9110 §8.3.1: a type, a subtype, parameters; in visible ASCII.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}([ \t]*;[ \t]*{_TOKEN}=({_TOKEN}|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))*')


@blueprint.get("/datasets/<dataset_id>/content")
def download(dataset_id: str) -> ResponseReturnValue:
    """The content, or a range of it; whether the client has it already is looked at after the decision only."""
    with content.reading(current_service(), current_principal(), dataset_id) as (dataset, copy):
        wanted = request.method == "GET" and not request.if_none_match.contains(etag(dataset))
        return _answer(dataset, copy() if wanted else None)


@blueprint.put("/datasets/<dataset_id>/content")
def upload(dataset_id: str) -> ResponseReturnValue:
    """Replace the content; the old stays when the new does not arrive completely."""
    service, who = current_service(), current_principal()
    # Not ignored for who may not read: a client that sends If-Match relies on it, and would overwrite what it protects.
    unless = _unless_changed if request.if_match or request.if_none_match else None
    content.writable(service, who, dataset_id, unless=unless)
    media_type = _media_type()
    if (request.content_length or 0) > content.LIMIT:
        raise content.TooLarge
    # One more, since Werkzeug refuses a body without a length that ends exactly at its limit.
    request.max_content_length = content.LIMIT + 1
    with content.received(request.stream) as body:
        # A server that ends the stream itself does not tell an end from a break.
        if request.content_length not in (None, body.size):
            raise BadRequest("the body is not as long as Content-Length says")
        dataset = content.replace(service, who, dataset_id, body, media_type, unless=unless)
    return _tagged(Response(status=204), dataset)


def etag(dataset: Dataset) -> str:
    """The entity tag of a dataset's content, without quotes."""
    return dataset.digest.hex()


def _answer(dataset: Dataset, file: IO[bytes] | None) -> Response:
    pieces: Any = () if file is None else FileWrapper(file, content.PIECE)
    answer = _tagged(Response(pieces, content_type=dataset.media_type, direct_passthrough=True), dataset)
    answer.content_length = dataset.size
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(dataset.name, safe='')}"
    # Even a browser that shows it must not run it.
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.accept_ranges = "bytes"
    try:
        answer.make_conditional(request, accept_ranges=True, complete_length=dataset.size if _one_range() else None)
    except RequestedRangeNotSatisfiable:
        answer.close()
        raise
    if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
        answer.close()
        raise PreconditionFailed
    return answer


def _one_range() -> bool:
    """Other units, several ranges and nonsense are ignored (RFC 9110 §14.2), where Werkzeug alone would refuse."""
    asked = request.range
    return asked is not None and asked.units == "bytes" and len(asked.ranges) == 1


def _tagged(answer: Response, dataset: Dataset) -> Response:
    answer.set_etag(etag(dataset))
    return answer


def _media_type() -> str:
    given = request.headers.get("Content-Type", "application/octet-stream")
    if len(given) > 255 or not _MEDIA_TYPE.fullmatch(given):
        raise BadRequest("Content-Type is no media type")
    return given


def _unless_changed(dataset: Dataset) -> None:
    """If-Match and If-None-Match (RFC 9110 §13.1), on the dataset that nobody else can change now."""
    tag = etag(dataset)
    if request.if_match and not request.if_match.contains(tag):
        raise PreconditionFailed("the content is not what If-Match names")
    if request.if_none_match and request.if_none_match.contains_weak(tag):
        raise PreconditionFailed("the content is what If-None-Match names")
