"""The one way out to a URL that a client named: key sets, sector documents, request objects, logout tokens.

Who registers a URL must not learn through us what only this machine can reach. So: https, the name resolved once and
the connection pinned to what was found there, public addresses alone, no redirect, no credentials, no proxy, no more
than 64 KiB, five seconds in all. `deploy.fetch_allow` names hosts and networks that may be private nevertheless.

The caller holds no database connection: a slow stranger must not empty the pool.
"""

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from idp.context import settings

TIMEOUT = 5.0  # seconds, for everything together
MAX_BODY = 64 * 1024  # bytes
AT_ONCE = 4  # requests of one process; more wait, so that slow strangers leave threads for our own clients

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# What is routed to people; within it what embeds an IPv4 address (6to4 here, NAT64 and mapped ones lie outside).
_UNICAST, _SIX_TO_FOUR = IPv6Network("2000::/3"), IPv6Network("2002::/16")

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class Unreachable(Exception):
    """There is no answer that may be used; the text is for the log, never for whoever named the URL."""


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    content_type: str  # the media type alone, in lower case
    body: bytes


class Fetcher:
    """Requests under the rules above; one for each application."""

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        ca_file: Path | None = None,
        development: bool = False,
        resolve: Resolve | None = None,
    ) -> None:
        """Take the rules.

        Args:
            allow: host names, addresses and networks that may be private.
            ca_file: certificates (PEM) that are trusted besides the system's.
            development: loopback is allowed, over http: too.
            resolve: another way to find the addresses of a name (tests).
        """
        self._networks = [network for entry in allow if (network := network_of(entry))]
        self._hosts = {entry.lower() for entry in allow} | (_LOOPBACK if development else set())
        self._development = development
        self._tls = ssl.create_default_context()
        if ca_file:
            self._tls.load_verify_locations(ca_file)
        self._resolve = resolve or _addresses
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    def get(self, url: str, *, accept: str = "*/*") -> bytes:
        """The body of a 200 answer.

        Raises:
            Unreachable: the rules forbid the URL, or there was no such answer.
        """
        answer = self.request("GET", url, headers={"Accept": accept})
        if answer.status != 200:
            raise Unreachable(f"the answer was {answer.status}")
        return answer.body

    def post(self, url: str, body: bytes, content_type: str) -> int:
        """Send a body; the status of the answer, which may be any.

        Raises:
            Unreachable: the rules forbid the URL, or there was no answer.
        """
        return self.request("POST", url, body, {"Content-Type": content_type}).status

    def request(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request; redirects are answers like any other."""
        until = time.monotonic() + TIMEOUT
        if not self._slots.acquire(timeout=TIMEOUT):
            raise Unreachable("too many requests at once")
        try:
            return self._request(method, url, body, headers or {}, until)
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from None
        finally:
            self._slots.release()

    def _request(self, method: str, url: str, body: bytes | None, headers: dict[str, str], until: float) -> Answer:
        parts = urlsplit(url)
        host = parts.hostname or ""
        plain = parts.scheme == "http" and self._development and host in _LOOPBACK
        if not host or "@" in parts.netloc or not (plain or parts.scheme == "https"):
            raise Unreachable("not an https: URL of a host")
        port = parts.port or (80 if plain else 443)
        opened = self._connect(host, port, until)
        try:
            opened.settimeout(_left(until))
            if not plain:
                opened = self._tls.wrap_socket(opened, server_hostname=host)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            return _ask(opened, until, method, parts.netloc, target, body, headers)
        finally:
            opened.close()

    def _connect(self, host: str, port: int, until: float) -> socket.socket:
        """A connection to an address that was judged: what the name means a moment later does not matter."""
        found = [ip_address(address) for address in self._resolved(host, port, until)]
        # One that is forbidden among others that are not is how a name is turned against us.
        if not found or not all(self._permitted(host, address) for address in found):
            raise Unreachable("the host has no address, or one that is not public")
        failure: OSError | None = None
        for address in found:
            try:
                return socket.create_connection((str(address), port), timeout=_left(until))
            except OSError as error:
                failure = error
        raise Unreachable(f"no connection: {failure}")

    def _resolved(self, host: str, port: int, until: float) -> Sequence[str]:
        """The addresses of a name; the system's resolver knows no time limit, so it is asked in a thread."""
        answer: Queue[Sequence[str]] = Queue(1)

        def ask() -> None:
            try:
                answer.put(self._resolve(host, port))
            except (OSError, UnicodeError):
                answer.put(())

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        try:
            return answer.get(timeout=_left(until))
        except Empty:
            raise Unreachable("the name was not resolved in time") from None

    def _permitted(self, host: str, address: Address) -> bool:
        return public(address) or host in self._hosts or any(address in network for network in self._networks)


def public(address: Address) -> bool:
    """Whether everybody can reach this address: no private, loopback, link-local, multicast or embedded one."""
    if isinstance(address, IPv6Address) and (address not in _UNICAST or address in _SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast


def network_of(entry: str) -> Any:  # noqa: ANN401 - a network of either kind
    """An entry of `fetch_allow` as a network, or None for the name of a host."""
    try:
        return ip_network(entry)
    except ValueError:
        return None


def current() -> Fetcher:
    """The fetcher of this application."""
    found = current_app.extensions.get("idp.fetch")
    if not isinstance(found, Fetcher):
        rules = settings().deploy
        found = Fetcher(allow=rules.fetch_allow, ca_file=rules.fetch_ca_file, development=settings().development)
        current_app.extensions["idp.fetch"] = found
    return found


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _left(until: float) -> float:
    if (left := until - time.monotonic()) <= 0:
        raise Unreachable("it took too long")
    return left


class _Timed(io.RawIOBase):
    """Reads a socket until a moment, however slowly its bytes drip."""

    def __init__(self, opened: socket.socket, until: float) -> None:
        self._opened, self._until = opened, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        self._opened.settimeout(_left(self._until))
        return self._opened.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As HTTPResponse asks a socket."""
        return io.BufferedReader(self)


def _ask(
    opened: socket.socket,
    until: float,
    method: str,
    host: str,
    target: str,
    body: bytes | None,
    headers: dict[str, str],
) -> Answer:
    # A connection that is open already never makes one of its own, so no proxy and no second look at the name.
    connection = HTTPConnection(host)
    connection.sock = opened
    opened.settimeout(_left(until))
    connection.request(method, target, body, {"Host": host, "User-Agent": "idp", "Connection": "close", **headers})
    # HTTPResponse needs nothing of a socket but its file.
    response = HTTPResponse(_Timed(opened, until), method=method)  # type: ignore[arg-type]
    response.begin()
    read = response.read(MAX_BODY + 1)
    if len(read) > MAX_BODY:
        raise Unreachable("the answer is larger than 64 KiB")
    return Answer(response.status, response.headers.get_content_type(), read)
