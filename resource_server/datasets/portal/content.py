"""The file of a dataset: down, and up in the place of the old one."""

import re
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.wsgi import FileWrapper

from resource_server.datasets import content
from resource_server.datasets.portal import pages, words
from resource_server.datasets.portal.dataset import opened, shown
from resource_server.datasets.portal.guard import person
from resource_server.datasets.portal.portal import current_portal

blueprint = Blueprint("content", __name__, url_prefix="/datasets/<dataset_id>/content")

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}", re.ASCII)


@blueprint.get("")
def download(dataset_id: str) -> ResponseReturnValue:
    """The file, which no browser shows or runs."""
    with content.reading(current_portal().service, person().principal, dataset_id) as (dataset, copy):
        file = copy()
    pieces: Any = FileWrapper(file, content.PIECE)
    answer = Response(pieces, content_type=dataset.media_type, direct_passthrough=True)
    answer.content_length = dataset.size
    name = dataset.name + words.extension(dataset.media_type)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@blueprint.post("")
def replace(dataset_id: str) -> ResponseReturnValue:
    """Put the file that was chosen in the place of the old one."""
    one = opened(dataset_id, "modify")
    file = request.files.get("file")
    if file is None or not file.filename:
        return shown(one, 400, file_error="Choose a file first")
    try:
        with content.received(file.stream) as upload:
            changed = content.replace(
                current_portal().service, person().principal, dataset_id, upload, _media_type(file)
            )
    except content.TooLarge:
        return shown(one, 413, file_error="That file is larger than 16 MiB (16,777,216 bytes). Choose a smaller one")
    said = f"The file is in place: {words.size(changed.size)}."
    return pages.done("portal.dataset.show", said, "Everyone with access sees the new one.", dataset_id=dataset_id)


def _media_type(file: FileStorage) -> str:
    """What the browser says the file is, without parameters; it may say anything."""
    return file.mimetype if _MEDIA_TYPE.fullmatch(file.mimetype) else "application/octet-stream"
