"""What is measured: for each row how a concurrent actor prepares itself, and the act that it repeats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import flows
from bench.connection import Connection
from bench.flows import Authorization, Browser, Unexpected
from bench.proof import Holder

Act = Callable[[], None]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        name: on the command line.
        words: in the table.
        target: milliseconds of the server's processor time for one act, PostgreSQL apart.
        prepare: gives the act of one actor, who has a connection and a user name of its own.
        hashes: password hashes in one act; their time is measured apart and subtracted.
    """

    name: str
    words: str
    target: float
    prepare: Callable[[Connection, str], Act]
    hashes: int = 0


def discovery(connection: Connection, _username: str) -> Act:
    """The metadata document."""
    return _get(connection, "/.well-known/openid-configuration")


def jwks(connection: Connection, _username: str) -> Act:
    """The public keys."""
    return _get(connection, "/oauth2/jwks")


def client_credentials(connection: Connection, _username: str) -> Act:
    """A machine's token, signed with ES256."""
    headers, form = flows.basic("machine"), {"grant_type": "client_credentials", "scope": "datasets:read"}
    return lambda: _has("access_token", flows.post(connection, "/oauth2/token", form, headers))


def bound_token(connection: Connection, _username: str) -> Act:
    """A machine's token that is bound to its key; each request has its own proof, which PostgreSQL remembers."""
    holder = Holder(connection.origin)
    return lambda: _has("access_token", _bound(connection, holder))


def introspection(connection: Connection, username: str) -> Act:
    """A resource server asks about a person's access token."""
    return _introspect(connection, _tokens(connection, username)["access_token"])


def bound_introspection(connection: Connection, _username: str) -> Act:
    """A resource server asks about a token that is bound to a key."""
    return _introspect(connection, _bound(connection, Holder(connection.origin))["access_token"])


def _introspect(connection: Connection, token: str) -> Act:
    headers = flows.basic("dataset-service")

    def act() -> None:
        if flows.post(connection, "/oauth2/introspect", {"token": token}, headers)["active"] is not True:
            raise Unexpected("the token is not active")

    return act


def userinfo(connection: Connection, username: str) -> Act:
    """A client asks who signed in."""
    return _get(
        connection, "/oauth2/userinfo", {"Authorization": f"Bearer {_tokens(connection, username)['access_token']}"}
    )


def refresh(connection: Connection, username: str) -> Act:
    """A public client's refresh token, each for the next; access token ES256, ID token RS256."""
    held = [_tokens(connection, username)["refresh_token"]]

    def act() -> None:
        form = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": held[0]}
        held[0] = flows.post(connection, "/oauth2/token", form, {})["refresh_token"]

    return act


def authorize(connection: Connection, username: str) -> Act:
    """A signed-in person with remembered consent comes to the application again: authorize, then token."""
    browser = Browser(connection)
    flows.sign_in(browser, username)

    def act() -> None:
        authorization = Authorization(browser)
        _has("id_token", authorization.redeem(authorization.ask()))

    return act


def login(connection: Connection, username: str) -> Act:
    """A new browser: authorize, sign-in page, password, then token; three pages and redirects, consent remembered."""
    flows.sign_in(Browser(connection), username)
    return lambda: _has("id_token", flows.sign_in(Browser(connection), username))


def logout(connection: Connection, username: str) -> Act:
    """As `login`, and out again: the session's end, and what hangs on it."""

    def act() -> None:
        browser = Browser(connection)
        flows.sign_out(browser, flows.sign_in(browser, username)["id_token"])

    flows.sign_in(Browser(connection), username)
    return act


def _get(connection: Connection, target: str, headers: dict[str, str] | None = None) -> Act:
    def act() -> None:
        if (answer := connection.send("GET", target, headers)).status != 200:
            raise Unexpected(f"{answer.status} from {target}")

    return act


def _tokens(connection: Connection, username: str) -> dict[str, str]:
    return flows.sign_in(Browser(connection), username)


def _bound(connection: Connection, holder: Holder) -> dict[str, str]:
    path, form = "/oauth2/token", {"grant_type": "client_credentials", "scope": "datasets:read"}
    return flows.post(connection, path, form, flows.basic("machine") | {"DPoP": holder.proof("POST", path)})


def _has(name: str, found: Mapping[str, object]) -> None:
    if name not in found:
        raise Unexpected(f"no {name} in the answer")


ROWS = (
    Row("discovery", "discovery", 0.15, discovery),
    Row("jwks", "JWKS", 0.15, jwks),
    Row("client_credentials", "client credentials, ES256 JWT", 0.40, client_credentials),
    Row("bound_token", "the same, bound to a key (DPoP), the proof remembered in PostgreSQL", 0.60, bound_token),
    Row("introspection", "introspection, revocation checked in PostgreSQL", 0.50, introspection),
    Row("bound_introspection", "introspection of a bound token", 0.50, bound_introspection),
    Row("userinfo", "userinfo", 0.50, userinfo),
    Row("refresh", "refresh with rotation", 1.0, refresh),
    Row("authorize", "authorize (signed in, consent remembered) + token", 2.5, authorize),
    Row("login", "password sign-in flow + token, without the hash itself", 6.0, login, hashes=1),
    Row("logout", "the same, and RP-initiated logout", 7.0, logout, hashes=1),
)
