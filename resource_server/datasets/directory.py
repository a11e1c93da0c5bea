"""Other people of a company, asked of the IdP's member API with the service's own client."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from resource_server import Unavailable
from resource_server.fetch import Fetch, fetch
from resource_server.idp import IdentityProvider
from resource_server.introspection import basic

REMEMBERED: Final = 10  # seconds
_MOST: Final = 10_000  # answers
_LONGEST_Q: Final = 200  # characters of a search that the member API takes


@dataclass(frozen=True)
class Member:
    """Somebody, or a client, who belongs to a company now."""

    sub: str
    username: str
    name: str
    email: str
    roles: frozenset[str]


class TooMany(Unavailable):
    """The time for one request was over before everybody was asked about; those who were are remembered."""

    # Soon: of what is remembered for 10 s, most must still be there the next time.
    retry_after = 1  # seconds


class Directory:
    """Asks about members; an answer, also that there is none, is remembered for 10 s.

    Every function raises `Unavailable` when the IdP cannot be asked: never a guess.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        fetch: Fetch = fetch,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._idp = IdentityProvider(issuer, fetch, now)
        self._credentials = basic(client_id, client_secret)
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[float, dict[str, Any] | None]] = {}
        self._token: tuple[str, float] | None = None  # and when to ask for another

    def member(self, company_id: str, sub: str, *, until: float | None = None) -> Member | None:
        """The active member, or client, of that company; None if there is none, or suspended.

        After `until`, seconds since the epoch, nobody is asked any more: what is not remembered is `Unavailable`.
        """
        if not 1 <= len(sub) <= 255 or not sub.isprintable():
            return None
        found = self._ask(f"/companies/{quote(company_id, safe='')}/members/{quote(sub, safe='')}", until)
        return None if found is None else _active(found)

    def search(self, company: str, q: str) -> list[Member]:
        """Active members whose user name, name or e-mail has `q` in it; 100 at most. `company` is an id or slug."""
        return _members(self._page(company, q) or {})

    def named(self, company: str, user: str) -> Member | None:
        """The active member with exactly this user name or e-mail, in any case."""
        wanted = user.strip()
        cursor: str | None = ""
        # Many may have it in their names: whose it is exactly can stand on any page.
        while wanted and cursor is not None:
            page = self._page(company, wanted[:_LONGEST_Q], cursor) or {}
            for member in _members(page):
                if wanted.casefold() in (member.username.casefold(), member.email.casefold()):
                    return member
            cursor = page.get("next")
        return None

    def company_id(self, slug: str) -> str | None:
        """The id of a company by its slug, as the listing of its members tells it."""
        found = self._page(slug, "")
        return None if found is None else str(found["company_id"])

    def _page(self, company: str, q: str, cursor: str = "") -> dict[str, Any] | None:
        asked = {"limit": "100", "q": q, "cursor": cursor}
        query = urlencode({name: value for name, value in asked.items() if value})
        return self._ask(f"/companies/{quote(company, safe='')}/members?{query}")

    def _ask(self, path: str, until: float | None = None) -> dict[str, Any] | None:
        with self._lock:
            remembered = self._answers.get(path)
        if remembered and self._now() < remembered[0]:
            return remembered[1]
        if until is not None and self._now() >= until:
            raise TooMany("there was no time to ask about everybody")
        answer = self._get(path)
        with self._lock:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[path] = (self._now() + REMEMBERED, answer)
        return answer

    def _get(self, path: str) -> dict[str, Any] | None:
        status, body = self._send(path)
        if status == 401:
            # The token ended early, or the IdP has new keys: once more with a fresh one.
            self._token = None
            status, body = self._send(path)
        if status == 404:
            return None
        try:
            answer = json.loads(body) if status == 200 else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unavailable(f"the member API answered {status} and no JSON object")
        return answer

    def _send(self, path: str) -> tuple[int, bytes]:
        authorization = f"Bearer {self._access_token()}"
        try:
            return self._fetch(f"{self._idp.issuer}/api/v1{path}", form=None, authorization=authorization)
        except OSError as error:
            raise Unavailable(f"the member API cannot be reached: {type(error).__name__}") from error

    def _access_token(self) -> str:
        token = self._token
        if token is None or self._now() >= token[1]:
            token = self._token = self._new_token()
        return token[0]

    def _new_token(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", "scope": "members:read", "resource": f"{self._idp.issuer}/api"}
        answer = self._idp.ask(self._idp.endpoint("token_endpoint"), form=form, authorization=self._credentials)
        token, life = answer.get("access_token"), answer.get("expires_in", 60)
        if not isinstance(token, str) or not isinstance(life, int):
            raise Unavailable("the token endpoint's answer has no access token")
        # Half of its life: clocks differ, and a refused token costs two requests.
        return token, self._now() + life / 2


def _members(page: dict[str, Any]) -> list[Member]:
    return [member for item in page.get("items", []) if (member := _active(item))]


def _active(item: dict[str, Any]) -> Member | None:
    if item.get("suspended"):
        return None
    words = {key: str(item.get(key) or "") for key in ("username", "name", "email")}
    return Member(sub=str(item["sub"]), roles=frozenset(item["roles"]), **words)
