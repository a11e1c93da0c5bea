"""The requests of a person's browser and of a client, step by step; anything but the expected answer ends the run."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.connection import Answer, Connection

PASSWORD = "correct horse battery staple"
SECRET = "a secret of the benchmark, which guards nothing"
CALLBACK = "https://spa.example.com/callback"
SCOPE = "openid profile email companies offline_access datasets:read"

_CSRF = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


class Unexpected(Exception):
    """The server answered something else than the flow foresees."""


def basic(client_id: str) -> dict[str, str]:
    """The header of a client that authenticates with its secret."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{SECRET}".encode()).decode()}


def post(connection: Connection, path: str, form: Mapping[str, str], headers: dict[str, str]) -> dict[str, Any]:
    """POST parameters, read JSON."""
    answer = connection.send("POST", path, headers, urlencode(form).encode())
    found: dict[str, Any] = json.loads(_expect(answer, 200).body)
    return found


class Browser:
    """A person's browser: cookies, and where it was led."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cookies: dict[str, str] = {}

    def get(self, target: str) -> Answer:
        """GET with the cookies."""
        return self._keep(self.connection.send("GET", target, self._headers()))

    def submit(self, page: Answer, target: str, fields: Mapping[str, str]) -> Answer:
        """Send a page's last form back to where the page came from (the ones before are "Not you?")."""
        tokens = _CSRF.findall(_expect(page, 200).body)
        if not tokens:
            raise Unexpected(f"{target} has no form")
        form = {"csrf_token": tokens[-1].decode(), **fields}
        return self._keep(self.connection.send("POST", target, self._headers(), urlencode(form).encode()))

    def _headers(self) -> dict[str, str]:
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": jar} if jar else {}

    def _keep(self, answer: Answer) -> Answer:
        self.cookies |= answer.cookies
        return answer


class Authorization:
    """One code flow of the single-page app (RFC 6749 §4.1 with PKCE)."""

    def __init__(self, browser: Browser) -> None:
        self._browser, self._verifier = browser, secrets.token_urlsafe(32)

    def ask(self) -> Answer:
        """The authorization request."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": "spa",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _expect(self._browser.get(f"/oauth2/authorize?{urlencode(asked)}"), 303)

    def redeem(self, answer: Answer) -> dict[str, Any]:
        """The code of an authorization response, for tokens."""
        location = answer.headers.get("location", "")
        code = parse_qs(urlsplit(location).query).get("code")
        if not location.startswith(CALLBACK) or not code:
            raise Unexpected(f"led to {location} instead of back to the client")
        form = {"grant_type": "authorization_code", "client_id": "spa", "redirect_uri": CALLBACK, "code": code[0]}
        return post(self._browser.connection, "/oauth2/token", {**form, "code_verifier": self._verifier}, {})


def sign_in(browser: Browser, username: str) -> dict[str, Any]:
    """From an application's "Sign in" to its tokens; consent where it is not remembered."""
    authorization = Authorization(browser)
    target = _path(authorization.ask())
    fields = {"identifier": username, "password": PASSWORD}
    answer = _expect(browser.submit(browser.get(target), target, fields), 303)
    if (target := _path(answer)).endswith("/consent"):
        answer = _expect(browser.submit(browser.get(target), target, {"decision": "allow"}), 303)
    return authorization.redeem(answer)


def sign_out(browser: Browser, id_token: str) -> None:
    """RP-initiated logout; the hint is of the one who is signed in, so nothing is asked."""
    _expect(browser.get(f"/oauth2/logout?{urlencode({'id_token_hint': id_token})}"), 200)


def _path(answer: Answer) -> str:
    return urlsplit(answer.headers["location"]).path


def _expect(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise Unexpected(f"{answer.status} instead of {status}: {answer.body[:300].decode(errors='replace')}")
    return answer
