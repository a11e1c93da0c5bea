"""What a URI in a client's metadata may look like: refused when in doubt, never repaired.

Browsers, libraries and servers read unusual URIs differently, and a redirect is compared byte for byte (RFC 9700 §2.1).
So only plain ones are registered: no wildcard, user, fragment, backslash, control character or dot segment.
"""

import re
from urllib.parse import urlsplit

MAX_LENGTH = 2_000  # characters

_HOST = r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
_WEB = re.compile(rf"(?P<scheme>https?)://{_HOST}(?::(?P<port>[1-9][0-9]{{0,4}}))?(?P<rest>[/?].*)?")
# RFC 8252 §7.1: a domain name that the app's maker owns, reversed; so there is at least one dot.
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:(?P<rest>/.*)")
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]*")  # RFC 3986 without "#" and "*"
_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:[01][0-9A-Fa-f]|5[Cc]|7[Ff])")  # broken, a control or a backslash
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class BadUri(ValueError):
    """The URI is not acceptable; the message says why and never repeats it."""


def web(uri: str, *, development: bool) -> None:
    """Check an https: URI with a host; `development` accepts http: on a loopback host too."""
    _plain(uri)
    scheme, host, _rest = _web_parts(uri)
    if scheme == "http" and not (development and host in _LOOPBACK):
        raise BadUri("must be an https: URI with a host")


def redirect(uri: str, *, native: bool, development: bool) -> None:
    """Check a redirection URI: https, for native applications also loopback and private-use schemes (RFC 8252 §7)."""
    _plain(uri)
    if native and "@" not in uri and (private_use := _PRIVATE_USE.fullmatch(uri)):
        _path(private_use["rest"])
        return
    scheme, host, rest = _web_parts(uri)
    _path(rest)
    if scheme == "http" and not ((native or development) and host in _LOOPBACK):
        raise BadUri(
            "must be an https: URI; a native application may use http: on a loopback host,"
            " or a scheme of its own such as com.example.app:/callback"
        )


def origin(uri: str) -> str:
    """Scheme, host and port of a URI that was checked (RFC 6454 §4), as it was written."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _plain(uri: str) -> None:
    if not 1 <= len(uri) <= MAX_LENGTH:
        raise BadUri(f"must have 1 to {MAX_LENGTH} characters")
    if "*" in uri:
        raise BadUri("must not contain a wildcard: redirection URIs are compared byte for byte")
    if "#" in uri:
        raise BadUri("must not have a fragment")
    if not _ALLOWED.fullmatch(uri) or _ENCODED.search(uri):
        raise BadUri("must consist of URI characters (RFC 3986), without controls, spaces and backslashes")


def _web_parts(uri: str) -> tuple[str, str, str]:
    found = _WEB.fullmatch(uri)
    if not found or ".." in found["host"] or int(found["port"] or 0) > 65_535:
        raise BadUri("must be an absolute URI: scheme and host in lower case, no user information")
    return found["scheme"], found["host"], found["rest"] or ""


def _path(rest: str) -> None:
    path = rest.partition("?")[0].lower().replace("%2e", ".").replace("%2f", "/")
    if any(segment in {".", ".."} for segment in path.split("/")):
        raise BadUri("must not have dot segments in its path")
