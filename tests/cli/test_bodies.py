"""Who sends no body is always answered; who sends half of one is neither waited for nor taken for whole."""

import io
import os
import socket
import threading

import pytest

from idp.cli import worker
from idp.cli.bodies import Bodies


def echo(environ, start_response):
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def call(bodies, source, *, length=None, port=1, **environ):
    status = []
    environ |= {"wsgi.input": source, "REMOTE_ADDR": "127.0.0.1", "SERVER_PORT": str(port)}
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    body = b"".join(bodies(environ, lambda line, _headers: status.append(line[:3])))
    return status[0], body


@pytest.mark.parametrize("environ", [{"length": 5}, {"HTTP_TRANSFER_ENCODING": "chunked"}])
def test_a_whole_body_is_passed_on(environ):
    assert ("200", b"a=b&c") == call(Bodies(echo), io.BytesIO(b"a=b&c"), **environ)


def test_a_body_that_broke_off_is_refused():
    assert ("400", b'{"error": "invalid_request"}') == call(Bodies(echo), io.BytesIO(b"a=b"), length=5)


def test_a_request_without_a_body_is_not_read():
    assert ("200", b"left") == call(Bodies(echo), io.BytesIO(b"left"), length=0)


def test_when_all_wait_for_bodies_the_next_one_is_not_waited_for():
    bodies, waiting, go_on = Bodies(echo, waiting=1), threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, *_):
            waiting.set()
            assert go_on.wait(timeout=10)
            return b"late"

    first = []
    thread = threading.Thread(target=lambda: first.append(call(bodies, Slow(), length=4)))
    thread.start()
    assert waiting.wait(timeout=10)

    assert ("503", b'{"error": "temporarily_unavailable"}') == call(bodies, io.BytesIO(b"body"), length=4)
    assert ("200", b"") == call(bodies, io.BytesIO(b""), length=0)
    go_on.set()
    thread.join(timeout=10)
    assert [("200", b"late")] == first
    assert ("200", b"body") == call(bodies, io.BytesIO(b"body"), length=4)


def test_a_request_does_not_carry_the_settings(monkeypatch):
    """Granian copies the environment of the process into that of each request."""
    monkeypatch.setenv("IDP_KEYS__KEK", "secret")
    worker.serving(echo)

    assert "IDP_KEYS__KEK" not in os.environ


def test_behind_a_proxy_nobody_is_hung_up_on():
    """Its address is everybody's: one client that dawdles must not cost the others their connections."""
    before = {thread.ident for thread in threading.enumerate()}
    worker.serving(echo, proxies=1)
    assert [] == [each for each in threading.enumerate() if each.name == "bodies" and each.ident not in before]

    worker.serving(echo)
    assert 1 == len([each for each in threading.enumerate() if each.name == "bodies" and each.ident not in before])


def test_a_client_that_dawdles_is_hung_up_on():
    """The connection ends, and the thread that read from it goes on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            client.sendall(b"ab")
            with accepted, accepted.makefile("rb") as source:
                answer = call(Bodies(echo, deadline=0), source, length=4, port=port)
            client.settimeout(5)

            assert ("400", b'{"error": "invalid_request"}') == answer
            assert b"" == client.recv(1)
