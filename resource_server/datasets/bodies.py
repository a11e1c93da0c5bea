"""Let only some threads wait for bodies, so that others are always free for requests without one.

The server hands a request to a thread once its headers are there, and the thread waits for the body as long as the
client sends it: an upload may take minutes, so there is no deadline that only a bad client would miss. A proxy that
buffers requests has one, and reads for us.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

WAITING = 32  # threads of one process that may be busy with a request that has a body

_REFUSAL = b'{"status": 503, "title": "Service Unavailable", "detail": "too many uploads at once, try again"}'
_HEADERS = [
    ("Content-Type", "application/problem+json"),
    ("Content-Length", str(len(_REFUSAL))),
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
    ("Retry-After", "5"),
]


class Bodies:
    """WSGI middleware: beyond `waiting` requests with a body at once, the next one is a 503."""

    def __init__(self, app: Application, *, waiting: int = WAITING) -> None:
        self._app = app
        self._free = threading.Semaphore(waiting)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on; the application reads the body before it returns."""
        if not _has_body(environ):
            return self._app(environ, start_response)
        if not self._free.acquire(blocking=False):
            start_response("503 Service Unavailable", _HEADERS)
            return [_REFUSAL]
        try:
            return self._app(environ, start_response)
        finally:
            self._free.release()


def _has_body(environ: Environ) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ
