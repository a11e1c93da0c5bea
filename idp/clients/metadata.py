"""A client's metadata: which members there are and what they may say (RFC 7591 §2, OpenID Connect Registration §2).

Used by the declared state, and by whoever else registers clients. What exists is passed in as `Supported`, so that an
extension that brings a grant type, an authentication method or a member of its own changes nothing here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.clients import uris

Rule = Callable[["Supported", Any], Any]  # checks the value and returns what is kept; raises ValueError with a sentence

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 §3.3
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,199}")
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # RFC 5646, for `client_name#de`
# C0 and C1 controls, bidirectional overrides, surrogates: they deceive whoever reads the consent page.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_PRIVATE_JWK = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6
_MOST = 50  # entries of a list


class InvalidMetadata(Exception):
    """A member cannot be accepted; `sentence` says what to do and never repeats the value."""

    def __init__(self, member: str, sentence: str) -> None:
        super().__init__(f"{member}: {sentence}")
        self.member, self.sentence = member, sentence

    @property
    def error(self) -> str:
        """The error code of RFC 7591 §3.2.2."""
        return "invalid_redirect_uri" if self.member == "redirect_uris" else "invalid_client_metadata"


@dataclass(frozen=True, kw_only=True)
class Supported:
    """What this server offers to clients; `development` accepts http: loopback URIs wherever https is demanded."""

    development: bool = False
    grant_types: frozenset[str] = frozenset({"authorization_code", "client_credentials", "refresh_token"})
    response_types: frozenset[str] = frozenset({"code"})
    auth_methods: frozenset[str] = frozenset({"client_secret_basic", "client_secret_post", "none"})
    id_token_algs: frozenset[str] = frozenset({"ES256", "RS256"})
    members: Mapping[str, Rule] = field(default_factory=dict)  # of extensions


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Valid metadata with the defaults of RFC 7591 §2 filled in; `other` has the members without a column."""

    client_name: str
    redirect_uris: list[str]
    grant_types: list[str]
    response_types: list[str]
    token_endpoint_auth_method: str
    scopes: list[str]  # empty: none were registered, so the client may ask for the default ones
    jwks: dict[str, Any] | None
    other: dict[str, Any]

    @property
    def public(self) -> bool:
        """Whether the client has no credentials (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == "none"


def validate(members: Mapping[str, Any], supported: Supported, *, client_id: str) -> Metadata:
    """Check every member, then that they agree.

    Args:
        members: name -> value as TOML or JSON had it; null means absent.
        supported: what this server offers.
        client_id: the name for people when there is no `client_name`.

    Raises:
        InvalidMetadata: of the first member that is unknown or wrong.
    """
    found = {name: _checked(name, value, supported) for name, value in members.items() if value is not None}
    grant_types = found.pop("grant_types", ["authorization_code"])
    response_types = found.pop("response_types", ["code"] if "authorization_code" in grant_types else [])
    metadata = Metadata(
        client_name=found.pop("client_name", client_id),
        redirect_uris=found.pop("redirect_uris", []),
        grant_types=grant_types,
        response_types=response_types,
        token_endpoint_auth_method=found.pop("token_endpoint_auth_method", "client_secret_basic"),
        scopes=found.pop("scope", []),
        jwks=found.pop("jwks", None),
        other=found,
    )
    _check_flows(metadata)
    _check_redirects(metadata, supported)
    if metadata.jwks is not None and "jwks_uri" in found:
        raise InvalidMetadata("jwks", "cannot be combined with jwks_uri (RFC 7591 §2)")
    return metadata


def name(value: object) -> str:
    """Check words that people read, such as a name: 1 to 200 characters that do not deceive."""
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise ValueError("must be a string of 1 to 200 characters")
    if _UNPRINTABLE.search(value) or value != value.strip():
        raise ValueError("must not contain control characters, nor begin or end with a space")
    return value


def scope_token(value: object) -> str:
    """Check the name of one scope (RFC 6749 §3.3)."""
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        raise ValueError("must be a scope: printable ASCII without space, quote and backslash")
    return value


def _checked(member: str, value: object, supported: Supported) -> Any:  # noqa: ANN401 - a JSON value
    plain, _, tag = member.partition("#")
    if tag and (plain not in _TRANSLATED or not _TAG.fullmatch(tag)):
        raise InvalidMetadata(member, "only names and pages for people may carry a language tag (RFC 7591 §2.2)")
    rule = _RULES.get(plain) or supported.members.get(plain)
    if rule is None:
        raise InvalidMetadata(member, "is no member that this server knows")
    try:
        return rule(supported, value)
    except ValueError as error:
        raise InvalidMetadata(member, str(error)) from None


def _check_flows(metadata: Metadata) -> None:
    """Grant types and response types go together (RFC 7591 §2.1), and each grant type with who may hold it."""
    grants = set(metadata.grant_types)
    if ("authorization_code" in grants) != ("code" in metadata.response_types):
        raise InvalidMetadata("response_types", 'must be ["code"] with authorization_code, and [] without it')
    if "client_credentials" in grants and metadata.public:
        raise InvalidMetadata("grant_types", "client_credentials is for clients that authenticate (RFC 6749 §4.4)")
    if metadata.token_endpoint_auth_method == "private_key_jwt" and not (metadata.jwks or "jwks_uri" in metadata.other):
        raise InvalidMetadata("token_endpoint_auth_method", "private_key_jwt needs jwks or jwks_uri")
    if grants == {"refresh_token"} or grants == {"refresh_token", "client_credentials"}:
        raise InvalidMetadata("grant_types", "refresh_token needs a grant type that issues refresh tokens beside it")


def _check_redirects(metadata: Metadata, supported: Supported) -> None:
    if "authorization_code" in metadata.grant_types and not metadata.redirect_uris:
        raise InvalidMetadata("redirect_uris", "at least one is needed for authorization_code")
    native = metadata.other.get("application_type") == "native"
    for member, listed in (
        ("redirect_uris", metadata.redirect_uris),
        ("post_logout_redirect_uris", metadata.other.get("post_logout_redirect_uris", [])),
    ):
        for uri in listed:
            try:
                uris.redirect(uri, native=native, development=supported.development)
            except uris.BadUri as error:
                raise InvalidMetadata(member, str(error)) from None


def _name(_supported: Supported, value: object) -> str:
    return name(value)


def uri(supported: Supported, value: object) -> str:
    """Check the address of a page or an endpoint."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    uris.web(value, development=supported.development)
    return value


def _strings(_supported: Supported, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("must be a list of strings")
    if len(value) > _MOST or len(set(value)) != len(value):
        raise ValueError(f"must have at most {_MOST} entries, none of them twice")
    return value


def _words(supported: Supported, value: object) -> list[str]:
    if not all(_WORD.fullmatch(each) for each in _strings(supported, value)):
        raise ValueError("must be a list of plain words")
    return list(_strings(supported, value))


def _some_of(allowed: Callable[[Supported], frozenset[str]]) -> Rule:
    def rule(supported: Supported, value: object) -> list[str]:
        listed = _strings(supported, value)
        if not set(listed) <= allowed(supported):
            raise ValueError(f"must be of {', '.join(sorted(allowed(supported)))}")
        return listed

    return rule


def _one_of(allowed: Callable[[Supported], frozenset[str]]) -> Rule:
    def rule(supported: Supported, value: object) -> str:
        if not isinstance(value, str) or value not in allowed(supported):
            raise ValueError(f"must be one of {', '.join(sorted(allowed(supported)))}")
        return value

    return rule


def _scope(_supported: Supported, value: object) -> list[str]:
    if not isinstance(value, str):
        raise ValueError("must be a string of scopes with single spaces between them")
    scopes = [scope_token(each) for each in value.split(" ")]
    if len(scopes) > 2 * _MOST or len(set(scopes)) != len(scopes):
        raise ValueError(f"must have at most {2 * _MOST} scopes, none of them twice")
    return sorted(scopes)


def _grant_types(supported: Supported, value: object) -> list[str]:
    if not (listed := _some_of(lambda known: known.grant_types)(supported, value)):
        raise ValueError("must have at least one entry")
    return sorted(listed)


def boolean(_supported: Supported, value: object) -> bool:
    """Check a member that says yes or no."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _seconds(_supported: Supported, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 366 * 86_400:
        raise ValueError("must be a whole number of seconds, at most a year")
    return value


def _contacts(supported: Supported, value: object) -> list[str]:
    return [name(each) for each in _strings(supported, value)]


def _jwks(_supported: Supported, value: object) -> dict[str, Any]:
    """A key set of public keys (RFC 7517 §5)."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(keys, list) or not 1 <= len(keys) <= _MOST:
        raise ValueError(f"must be a JWK set with 1 to {_MOST} keys")
    for key in keys:
        if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP"):
            raise ValueError("each key must be a JWK of type RSA, EC or OKP")
        if key.keys() & _PRIVATE_JWK:
            raise ValueError("must hold public keys only: take the private members out, and replace the keys")
    return value


_TRANSLATED = frozenset({"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"})

_RULES: Mapping[str, Rule] = {
    "client_name": _name,
    "redirect_uris": _strings,  # judged by _check_redirects, once the application's type is known
    "post_logout_redirect_uris": _strings,
    "grant_types": _grant_types,
    "response_types": _some_of(lambda supported: supported.response_types),
    "token_endpoint_auth_method": _one_of(lambda supported: supported.auth_methods),
    "scope": _scope,
    "jwks": _jwks,
    "jwks_uri": uri,
    "application_type": _one_of(lambda _: frozenset({"native", "web"})),
    "subject_type": _one_of(lambda _: frozenset({"public"})),
    "id_token_signed_response_alg": _one_of(lambda supported: supported.id_token_algs),
    "default_max_age": _seconds,
    "require_auth_time": boolean,
    "default_acr_values": _words,
    "initiate_login_uri": uri,
    "contacts": _contacts,
    "client_uri": uri,
    "logo_uri": uri,
    "tos_uri": uri,
    "policy_uri": uri,
    "software_id": _name,
    "software_version": _name,
}
