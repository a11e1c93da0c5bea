"""What an extension of the protocol is: one file that declares itself.

Its last statement is `extension = Extension(...)`; nothing registers at import. `discover()` takes the enabled ones by
name and refuses two owners of one thing. Steps run by phase, then by file name: a step that must come before another
belongs to an earlier phase.
"""

import enum
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import flask
from flask.typing import ResponseReturnValue

from idp.clients.metadata import Metadata, Rule
from idp.clients.models import Client
from idp.errors import OAuthError
from idp.events import Handler
from idp.grants.grant import NewGrant
from idp.oauth.request import OAuthRequest
from idp.outbox import Message
from idp.settings import Misconfigured, Settings
from idp.sso.session import SsoSession

if TYPE_CHECKING:
    from idp.oauth.claims import ClaimSource, TokenKind
    from idp.oauth.grant_type import GrantType


class Phase(enum.IntEnum):
    """When a step runs; the order is the protocol's."""

    LOAD = 1  # authorization endpoint: where the parameters come from: pushed requests, request objects
    VALIDATE = 2  # what they may say: PKCE, resource; at the token endpoint before the proof: a DPoP proof
    NARROW = 3  # token endpoint, after the proof: resource narrows what the grant holds
    BIND = 4  # token endpoint: who may hold it: PKCE verifier, key thumbprints
    REQUIRE = 5  # token endpoint: what must hold once all is bound: a profile's sender constraint


# A step anywhere else would never run; the answer has `respond`.
AT_AUTHORIZE = frozenset({Phase.LOAD, Phase.VALIDATE})
AT_TOKEN = frozenset(Phase) - {Phase.LOAD}

Step = Callable[[OAuthRequest], None]
# Begins the grant; the parameters that the authorization response has for this response type.
Answer = Callable[[OAuthRequest, NewGrant], dict[str, Any]]
# Gets the parameters of an authorization response, and may add to them.
Responder = Callable[[OAuthRequest, dict[str, Any]], None]
FindClient = Callable[[str], Client | None]  # an enabled one
ClientAuth = Callable[[FindClient, OAuthRequest], Client | None]
# Gets an access token and what a member of its `cnf` says; raises unless who sent this HTTP request holds that key.
Confirm = Callable[[str, str], None]
# Writes introspection's answer to a client in another form than JSON.
Represent = Callable[[Client, dict[str, Any]], str]
# Sends a message of the outbox; any exception means that it did not arrive.
Sender = Callable[[Message], None]


def none() -> Any:  # noqa: ANN401 - an empty mapping of any kind
    """A default for mappings."""
    return field(default_factory=dict)


def no_metadata(_settings: Settings) -> dict[str, Any]:
    """Nothing to announce."""
    return {}


class Clients(enum.Enum):
    """Which clients an endpoint takes."""

    ALL = enum.auto()
    CONFIDENTIAL = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A path of the protocol; `announced` is its name in discovery, `cors` lets pages of other origins call it.

    With `clients`, they have authenticated before the view gets their OAuthRequest: no endpoint can forget it.
    """

    name: str
    path: str
    methods: tuple[str, ...]
    view: Callable[..., ResponseReturnValue]  # with the path's variables, or the client's request
    announced: str | None = None
    clients: Clients | None = None
    cors: bool = False
    interactive: bool = False  # people's browsers come here: a refusal is a page


@dataclass(frozen=True)
class Confirmation:
    """How a token that is bound to a key is presented: under which scheme, and who judges the presenter's key."""

    confirm: Confirm
    scheme: str = "Bearer"  # its token_type too


@dataclass(frozen=True, kw_only=True)
class ResponseMode:
    """How an answer reaches the client; one whose parameters servers would log is not `for_tokens`."""

    send: Callable[[OAuthRequest, Mapping[str, Any]], flask.Response]
    for_tokens: bool = True


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A reason to ask the user: the page to show, or under prompt=none the error to answer with."""

    page: str
    needed: Callable[[OAuthRequest], bool]
    error: type[OAuthError]


@dataclass(frozen=True, kw_only=True)
class Extension:
    """What one specification adds to the server."""

    name: str
    spec: str
    default: bool = True  # enabled unless the settings list the extensions
    # What these settings leave of it, such as methods that need a file; None: nothing. Without the function: all.
    configured: Callable[[Settings], "Extension | None"] | None = None
    metadata: Callable[[Settings], dict[str, Any]] = no_metadata
    varying: Mapping[str, Callable[[], list[str]]] = none()  # discovery fields that a declaration may change: read anew
    derived: Callable[[Settings, Sequence[Endpoint]], dict[str, Any]] | None = None  # fields out of all endpoints
    parameters: frozenset[str] = frozenset()  # of the authorization request, kept while it waits
    client_metadata: Mapping[str, Rule] = none()  # members of RFC 7591 that it adds
    operator_metadata: Mapping[str, Rule] = none()  # the same, but no client can register them for itself
    client_check: Callable[[Settings, Metadata], None] | None = None  # what all members together may not say
    grants: tuple["type[GrantType]", ...] = ()
    response_types: Mapping[str, Answer] = none()  # words in alphabetical order
    response_modes: Mapping[str, ResponseMode] = none()
    endpoints: tuple[Endpoint, ...] = ()
    client_auth: Mapping[str, ClientAuth] = none()
    authorize: Mapping[Phase, Step] = none()
    token: Mapping[Phase, Step] = none()
    confirms: Mapping[str, Confirmation] = none()  # how a bound token is presented, by member of `cnf` (RFC 7800 §3.1)
    respond: Responder | None = None  # of the authorization endpoint: what every answer carries, such as `iss`
    answered: Callable[[flask.Response], None] | None = None  # sees every HTTP answer, refusals too: headers
    reads: frozenset[str] = frozenset()  # headers that pages of other origins may send
    shows: frozenset[str] = frozenset()  # headers of answers that they may read
    prompts: tuple[Prompt, ...] = ()
    claims: Mapping["TokenKind", "ClaimSource"] = none()
    introspection: Mapping[str, Represent] = none()  # other forms of introspection's answer, by media type
    sessions_ended: Handler | None = None  # in the transaction that ends them
    outgoing: Mapping[str, Sender] = none()  # by the kind of message
    tells: Callable[[Client], bool] | None = None  # whether it tells this client that a session ended
    frame: Callable[[Client, SsoSession], str | None] | None = None  # what the signed-out page loads for that


def discover(package: ModuleType, listed: Sequence[str] | None) -> list[Extension]:
    """The extensions of `package` that the settings enable, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    declared = {name: importlib.import_module(f"{package.__name__}.{name}").extension for name in names}
    found = [declared[name] for name in sorted(_enabled(declared, listed))]
    for extension in found:
        _refuse_steps_that_never_run(extension)
    return found


def enabled(package: ModuleType, settings: Settings) -> list[Extension]:
    """Those that `discover` finds, as far as the settings have what they need."""
    found = discover(package, settings.extensions)
    offered = [each.configured(settings) if each.configured else each for each in found]
    kept = [each for each in offered if each is not None]
    _refuse_two_owners(kept)
    return kept


def _enabled(declared: Mapping[str, Extension], listed: Sequence[str] | None) -> set[str]:
    """Those that are on by default, with `+name` added and `-name` taken away; or exactly those of plain names."""
    entries = set(listed or ())
    signed = {entry for entry in entries if entry.startswith(("+", "-"))}
    if signed and signed != entries:
        raise Misconfigured("extensions: +name and -name change the default ones; they cannot stand beside plain names")
    if unknown := sorted({entry.lstrip("+-") for entry in entries} - declared.keys()):
        raise Misconfigured(f"extensions: {unknown[0]} does not exist; there are {', '.join(declared)}")
    if listed is not None and not signed:
        return entries
    default = {name for name, extension in declared.items() if extension.default}
    return {name for name in declared if f"+{name}" in signed or (name in default and f"-{name}" not in signed)}


def _refuse_steps_that_never_run(extension: Extension) -> None:
    """The authorization endpoint has no proof to narrow or bind; what comes to the token endpoint stands for itself."""
    endpoints = (("authorize", extension.authorize, AT_AUTHORIZE), ("token", extension.token, AT_TOKEN))
    for endpoint, steps, phases in endpoints:
        if lost := sorted(steps.keys() - phases):
            raise Misconfigured(f"{extension.name} has a step at {endpoint} in {lost[0].name}, which never runs there")


def _refuse_two_owners(extensions: Sequence[Extension]) -> None:
    """A path, a grant type, an authentication method and everything else with a name belongs to one extension."""
    owners: dict[tuple[str, str], str] = {}
    for extension in extensions:
        things = [("path", endpoint.path) for endpoint in extension.endpoints]
        things += [("grant type", grant.GRANT_TYPE) for grant in extension.grants]
        things += [("response type", name) for name in extension.response_types]
        things += [("response mode", name) for name in extension.response_modes]
        things += [("client authentication", name) for name in extension.client_auth]
        things += [("confirmation", name) for name in extension.confirms]
        things += [("discovery field", name) for name in extension.varying]
        things += [("form of introspection", name) for name in extension.introspection]
        things += [("message", name) for name in extension.outgoing]
        things += [("client metadata", name) for name in (*extension.client_metadata, *extension.operator_metadata)]
        for thing in things:
            if (owner := owners.setdefault(thing, extension.name)) != extension.name:
                raise Misconfigured(f"the {thing[0]} {thing[1]} belongs to both {owner} and {extension.name}")
