"""Flask: views that are reached with a good token only, and refusals in the words of RFC 6750."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask

from resource_server.principal import Principal
from resource_server.server import ResourceServer

P = ParamSpec("P")
R = TypeVar("R")


def protect(app: Flask, server: ResourceServer) -> None:
    """Let `require_scope` use `server`; answer `Refused` and `Unavailable` as problems; serve the metadata."""
    raise NotImplementedError


def require_scope(*scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only a token with all of these scopes in (with none named: any good token); it is in `flask.g.principal`."""
    raise NotImplementedError


def principal() -> Principal:
    """The bearer of this request's token, checked once a request; raises `Refused` and `Unavailable`."""
    raise NotImplementedError
