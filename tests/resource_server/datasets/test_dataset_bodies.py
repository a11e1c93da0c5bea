"""Clients that dawdle over their bodies cannot take every thread."""

import io
import threading

import pytest

from resource_server.datasets.bodies import Bodies


def reading(environ, start_response):
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def call(bodies, source=b"", **environ):
    status = []
    environ["wsgi.input"] = io.BytesIO(source) if isinstance(source, bytes) else source
    body = b"".join(bodies(environ, lambda line, _headers: status.append(line[:3])))
    return status[0], body


def test_beyond_the_last_thread_for_bodies_the_answer_comes_at_once():
    """503 for another body, in chunks too; a request without one is answered as ever, and all is well afterwards."""
    bodies, reached, go_on = Bodies(reading, waiting=1), threading.Event(), threading.Event()

    class Slow:
        def read(self):
            reached.set()
            assert go_on.wait(timeout=10)
            return b"late"

    first = []
    thread = threading.Thread(target=lambda: first.append(call(bodies, Slow(), CONTENT_LENGTH="4")))
    thread.start()
    assert reached.wait(timeout=10)

    assert "503" == call(bodies, b"body", CONTENT_LENGTH="4")[0]
    assert "503" == call(bodies, b"body", HTTP_TRANSFER_ENCODING="chunked")[0]
    assert ("200", b"") == call(bodies)
    assert ("200", b"") == call(bodies, CONTENT_LENGTH="0")
    go_on.set()
    thread.join(timeout=10)
    assert [("200", b"late")] == first
    assert ("200", b"body") == call(bodies, b"body", CONTENT_LENGTH="4")


def test_a_request_that_fails_gives_its_thread_back():
    def failing(_environ, _start_response):
        raise RuntimeError

    bodies = Bodies(failing, waiting=1)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            call(bodies, b"body", CONTENT_LENGTH="4")
