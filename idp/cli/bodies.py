"""Read the body of a request before the application does, and not for ever.

Granian hands a request to a thread once its headers are there, and the thread waits for the body without a limit: 60
connections that send half a body each would stop a worker (2.8, measured). So only some threads may wait at once, which
leaves others for requests without a body, and a client that takes too long is hung up on. Behind a proxy that buffers,
nothing here ever happens; there everybody comes from the proxy's address, so nobody is hung up on.
"""

import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

WAITING = 32  # threads of one worker that may wait for bodies
DEADLINE = 10  # seconds
_MOST = 128 * 1024 + 1  # bytes; the application refuses a body that is longer than it allows, so it must see that


class Bodies:
    """WSGI middleware: the application finds the whole body in `wsgi.input`, or is not asked at all.

    Args:
        app: the application.
        waiting: how many threads may wait for a body at once; beyond, a request with a body is a 503.
        deadline: seconds that a body may take; None behind a proxy, whose own deadline counts.
    """

    def __init__(self, app: Application, *, waiting: int = WAITING, deadline: float | None = DEADLINE) -> None:
        self._app = app
        self._free = threading.Semaphore(waiting)
        self._reading: dict[int, tuple[float, str, int]] = {}  # thread -> since when, the client's address, our port
        if deadline is not None:
            threading.Thread(target=self._hang_up, args=(deadline,), name="bodies", daemon=True).start()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on with its body; without, answer 503 at once, or 400 when the body broke off."""
        size = _size(environ)
        if size == 0 or size > _MOST:  # too long: the application says so without reading it
            return self._app(environ, start_response)
        if not self._free.acquire(blocking=False):
            return _refuse("503 Service Unavailable", "temporarily_unavailable", start_response)
        thread = threading.get_ident()
        self._reading[thread] = (time.monotonic(), environ["REMOTE_ADDR"], int(environ["SERVER_PORT"]))
        try:
            body = environ["wsgi.input"].read(size)
        finally:
            del self._reading[thread]
            self._free.release()
        if len(body) < size and environ.get("CONTENT_LENGTH"):
            # The server hands over what came before a connection broke: half a form must not be taken for a whole one.
            return _refuse("400 Bad Request", "invalid_request", start_response)
        environ["wsgi.input"] = BytesIO(body)
        return self._app(environ, start_response)

    def _hang_up(self, deadline: float) -> None:
        """Every second, end the connections of clients whose body is overdue; the waiting thread then goes on."""
        while True:
            time.sleep(1)
            for since, address, port in list(self._reading.values()):
                if time.monotonic() - since > deadline:
                    for connection in _connections(address, port):
                        connection.shutdown(socket.SHUT_RDWR)


def _size(environ: Environ) -> int:
    """How many bytes to read: what the request says; in chunks, as many as may be."""
    length = environ.get("CONTENT_LENGTH", "")
    if length.isascii() and length.isdigit():
        return int(length)
    return _MOST if "HTTP_TRANSFER_ENCODING" in environ else 0


def _refuse(status: str, error: str, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Connection", "close")]
    start_response(status, [*headers, ("Retry-After", "5")] if status.startswith("503") else headers)
    return [b'{"error": "%s"}' % error.encode()]


def _connections(address: str, port: int) -> Iterator[socket.socket]:
    """This process's connections with a client.

    The server does not tell which of them is the slow one, so it is all of them: who shares the address with it loses
    idle connections, which clients open again.
    """
    for descriptor in map(int, os.listdir("/dev/fd")):
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as connection:
                peer, own = connection.getpeername(), connection.getsockname()
                if isinstance(peer, tuple) and (peer[0], own[1]) == (address, port):
                    yield connection
        except OSError:  # closed meanwhile, or not connected
            continue
