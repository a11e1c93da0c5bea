"""The default way to the IdP, over real sockets on the loopback interface."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resource_server import Unavailable
from resource_server.fetch import MAX_BODY, fetch


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """One connection is answered with these bytes; gives the URL and what was received."""
    received: list[bytes] = []

    def serve() -> None:
        with listener.accept()[0] as connection:
            with connection.makefile("rb") as request:
                head = b"".join(iter(request.readline, b"\r\n"))
                length = re.search(rb"content-length: (\d+)", head.lower())
                received.append(head + request.read(int(length[1]) if length else 0))
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/there", received
        thread.join()


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def test_get() -> None:
    with answering(response("200 OK", b"{}")) as (url, received):
        assert (200, b"{}") == fetch(url)
    assert received[0].startswith(b"GET /there HTTP/1.1\r\n")
    assert b"authorization" not in received[0].lower()


def test_post_a_form_with_credentials() -> None:
    with answering(response("200 OK", b"{}")) as (url, received):
        fetch(url, form={"token": "a+b&c"}, authorization="Basic eA==")
    assert received[0].startswith(b"POST /there HTTP/1.1\r\n")
    assert b"Authorization: Basic eA==\r\n" in received[0]
    assert received[0].endswith(b"token=a%2Bb%26c")


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "401 Unauthorized", "503 Gone"])
def test_status_is_an_answer_and_redirects_are_not_followed(status: str) -> None:
    with answering(response(status, b"x", "Location: http://127.0.0.1:1/")) as (url, _):
        assert (int(status[:3]), b"x") == fetch(url)


def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with answering(response("200 OK")) as (url, _):
        assert 200 == fetch(url)[0]


def test_no_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", "http://no-such-host.invalid/"):
        with pytest.raises(Unavailable):
            fetch(url)


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-x\r\n", response("200 OK", b"x" * (MAX_BODY + 1))],
    ids=["nothing", "another protocol", "too much"],
)
def test_useless_answer_is_unavailable(answer: bytes) -> None:
    with answering(answer) as (url, _), pytest.raises(Unavailable):
        fetch(url)


def test_only_http_urls_are_opened(tmp_path: Path) -> None:
    (tmp_path / "jwks").write_text("{}")
    for url in (f"file://{tmp_path}/jwks", "ftp://127.0.0.1/", "data:,{}", "", "http://[", "http://a b/", "http://é/"):
        with pytest.raises(Unavailable):
            fetch(url)
