"""How the resource server reaches its IdP: one small HTTP exchange, replaceable by the integrator's own client."""

from collections.abc import Mapping
from functools import cache
from http.client import HTTPException
from ssl import create_default_context
from typing import Protocol
from urllib.parse import urlencode
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request, UnknownHandler

from resource_server.errors import Unavailable

TIMEOUT = 5  # seconds for each wait on the network
MAX_BODY = 1024 * 1024  # bytes


class Fetch(Protocol):
    """One HTTP exchange with the IdP."""

    def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, authorization: str | None = None
    ) -> tuple[int, bytes]:
        """GET a URL, or POST a form when there is one; gives status and body. Follows no redirect.

        Raises `Unavailable` or `OSError` when no complete answer came.
        """


def fetch(url: str, *, form: Mapping[str, str] | None = None, authorization: str | None = None) -> tuple[int, bytes]:
    """`Fetch` on the standard library: 5 s, 1 MiB, no redirects, no proxy from the environment.

    Each call makes a connection: where introspection is busy, hand in a client that keeps them.
    """
    headers = {"Accept": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    body = None if form is None else urlencode(form).encode()
    try:
        with _opener().open(Request(url, body, headers), timeout=TIMEOUT) as answer:  # noqa: S310 - HTTP handlers only
            content: bytes = answer.read(MAX_BODY + 1)
            status: int = answer.status
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"the identity provider cannot be reached: {type(error).__name__}") from error
    if len(content) > MAX_BODY:
        raise Unavailable("the identity provider's answer is too large")
    return status, content


@cache  # the system's certificates are read once, which takes longer than a request
def _opener() -> OpenerDirector:
    # Not build_opener(): its defaults follow redirects, read proxies from the environment and open file: URLs.
    opener = OpenerDirector()
    for handler in (HTTPHandler(), HTTPSHandler(context=create_default_context()), UnknownHandler()):
        opener.add_handler(handler)
    return opener
