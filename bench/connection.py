"""A lean HTTP/1.1 client: one connection kept alive, a request in one packet, so that the load costs little."""

import socket
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (lower-case names; cookies apart, since there may be several) and body."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes


class Connection:
    """One connection to the server under load."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self.origin = f"http://{host}:{port}"
        self._socket = socket.create_connection((host, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        """Send a request and read its answer; a body is form-encoded parameters."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if method == "POST":
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        return self._read()

    def _read(self) -> Answer:
        status = int(self._file.readline().split(b" ", 2)[1])
        headers: dict[str, str] = {}
        cookies: dict[str, str] = {}
        while line := self._file.readline().rstrip(b"\r\n").decode("ascii"):
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                cookies[cookie] = content
            else:
                headers[name.lower()] = value
        return Answer(status, headers, cookies, self._file.read(int(headers.get("content-length", 0))))
