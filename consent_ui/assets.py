"""The static files, at addresses that change with their content, so that browsers keep them for good."""

from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from flask import Response, abort, request

_FOLDER = Path(__file__).parent / "static"
_YEAR = 365 * 86_400  # seconds


@cache
def _files() -> dict[str, bytes]:
    """All of them, read once: a few, and small."""
    return {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir())}


@cache
def version() -> str:
    """One digest over all files: they name each other (the sheet its contours), so they change address together."""
    digest = sha256()
    for name, content in _files().items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


@cache
def address(name: str) -> str:
    """The address of a static file, for templates: where `consent_ui` mounts `static_file`."""
    return f"/static/{version()}/{name}"


def static_file(release: str, name: str) -> Response:
    """Answer a static file; one that was asked for under another release's address is not to be kept."""
    if name not in _files():
        abort(404)
    response = Response(_files()[name], mimetype=guess_type(name)[0])
    if release == version():
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    else:
        # During an upgrade a page of the old server may ask the new one: answer, but do not fix it for a year.
        response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]
