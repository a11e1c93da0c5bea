"""A client's metadata: which members there are and what they may say (RFC 7591 §2, OpenID Connect Registration §2).

Used by the declared state, and by whoever else registers clients. What exists is passed in as `Supported`, so that an
extension that brings a grant type, an authentication method or a member of its own changes nothing here.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from idp.clients import uris
from keys.algorithms import PRIVATE_MEMBERS

Rule = Callable[["Supported", Any], Any]  # checks the value and returns what is kept; raises ValueError with a sentence

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 §3.3
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,199}")
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # RFC 5646, for `client_name#de`
# C0 and C1 controls, bidirectional overrides, surrogates: they deceive whoever reads the consent page, and NUL cannot
# be stored.
DECEIVES = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MOST = 50  # entries of a list
_RSA_N = (342, 1366)  # base64url characters of 2048 and 8192 bits
_GRANT_OF = {"code": "authorization_code", "id_token": "implicit", "token": "implicit"}  # RFC 7591 §2.1


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
    confidential: frozenset[str] = frozenset({"client_credentials"})  # grant types for clients that authenticate
    response_types: frozenset[str] = frozenset({"code"})
    auth_methods: frozenset[str] = frozenset({"client_secret_basic", "client_secret_post", "none"})
    announced: Mapping[str, Collection[str]] = field(default_factory=dict)  # lists of the discovery document
    members: Mapping[str, Rule] = field(default_factory=dict)  # of extensions
    checks: tuple[Callable[["Metadata"], None], ...] = ()  # of extensions: what all members must say together


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
    profile: str | None
    other: dict[str, Any]

    @property
    def public(self) -> bool:
        """Whether the client has no credentials (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == "none"

    @property
    def has_secret(self) -> bool:
        """Whether the client authenticates with a secret that it shares with us."""
        return self.token_endpoint_auth_method.startswith("client_secret")

    def members(self) -> dict[str, Any]:
        """By the names of RFC 7591; None is what was not registered."""
        return {
            "client_name": self.client_name,
            "redirect_uris": self.redirect_uris,
            "grant_types": self.grant_types,
            "response_types": self.response_types,
            "token_endpoint_auth_method": self.token_endpoint_auth_method,
            "scope": " ".join(self.scopes) or None,
            "jwks": self.jwks,
            "profile": self.profile,
            **dict(sorted(self.other.items())),
        }


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
        profile=found.pop("profile", None),
        other=found,
    )
    _check_flows(metadata, supported)
    _check_redirects(metadata, supported)
    _check_keys(metadata)
    _check_subject(metadata)
    for check in supported.checks:
        check(metadata)
    return metadata


def known(member: str, supported: Supported) -> bool:
    """Whether there is such a member; one with a language tag counts as its plain one."""
    plain = member.partition("#")[0]
    return plain in _RULES or plain in supported.members


def name(value: object) -> str:
    """Check words that people read, such as a name: 1 to 200 characters that do not deceive."""
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise ValueError("must be a string of 1 to 200 characters")
    if DECEIVES.search(value) or value != value.strip():
        raise ValueError("must not contain control characters, nor begin or end with a space")
    return value


def scope_token(value: object) -> str:
    """Check the name of one scope (RFC 6749 §3.3)."""
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        raise ValueError("must be a scope: printable ASCII without space, quote and backslash")
    return value


def _checked(member: str, value: object, supported: Supported) -> Any:  # noqa: ANN401 - a JSON value
    plain, tagged, tag = member.partition("#")
    if tagged and (plain not in _TRANSLATED or not _TAG.fullmatch(tag)):
        raise InvalidMetadata(member, "only names and pages for people may carry a language tag (RFC 7591 §2.2)")
    rule = supported.members.get(plain) or _RULES.get(plain)
    if rule is None:
        raise InvalidMetadata(member, "is no member that this server knows")
    try:
        return rule(supported, value)
    except ValueError as error:
        raise InvalidMetadata(member, str(error)) from None


def _check_flows(metadata: Metadata, supported: Supported) -> None:
    """Grant types and response types go together (RFC 7591 §2.1), and each grant type with who may hold it."""
    grants = set(metadata.grant_types)
    needed = {_GRANT_OF[word] for each in metadata.response_types for word in each.split(" ") if word in _GRANT_OF}
    if not needed <= grants or ("authorization_code" in grants and "authorization_code" not in needed):
        sentence = "must go with grant_types: code with authorization_code, id_token and token with implicit"
        raise InvalidMetadata("response_types", f"{sentence} (RFC 7591 §2.1)")
    if metadata.public and (refused := grants & supported.confidential):
        raise InvalidMetadata("grant_types", f"{min(refused)} is for clients that authenticate (RFC 6749 §4.4)")
    if grants == {"refresh_token"} or grants == {"refresh_token", "client_credentials"}:
        raise InvalidMetadata("grant_types", "refresh_token needs a grant type that issues refresh tokens beside it")


def _check_redirects(metadata: Metadata, supported: Supported) -> None:
    if metadata.response_types and not metadata.redirect_uris:
        raise InvalidMetadata("redirect_uris", "at least one is needed for authorization responses")
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


def _check_keys(metadata: Metadata) -> None:
    """Keys come in one way, and are there where something needs them."""
    other = metadata.other
    if metadata.jwks is not None and "jwks_uri" in other:
        raise InvalidMetadata("jwks", "cannot be combined with jwks_uri (RFC 7591 §2)")
    needing = [name for name in other if name.endswith(("_encrypted_response_alg", "_object_signing_alg"))]
    if metadata.token_endpoint_auth_method == "private_key_jwt":
        needing.append("token_endpoint_auth_method")
    if needing and metadata.jwks is None and "jwks_uri" not in other:
        raise InvalidMetadata(needing[0], "needs the client's keys: register jwks or jwks_uri")
    for enc in [name for name in other if name.endswith("_encrypted_response_enc")]:
        if (alg := f"{enc.removesuffix('enc')}alg") not in other:
            raise InvalidMetadata(enc, f"needs {alg} beside it")
    for alg in [name for name in other if name.endswith("_encrypted_response_alg")]:
        # The specifications' default, A128CBC-HS256, is not offered; what counts instead is echoed.
        other.setdefault(f"{alg.removesuffix('alg')}enc", "A128GCM")


def _check_subject(metadata: Metadata) -> None:
    """Pairwise subjects are the same for one host, or for what a sector document lists (OpenID Connect Core §8.1)."""
    hosts = {urlsplit(each).hostname for each in metadata.redirect_uris}
    pairwise = metadata.other.get("subject_type") == "pairwise"
    if pairwise and len(hosts) > 1 and "sector_identifier_uri" not in metadata.other:
        raise InvalidMetadata(
            "subject_type", "pairwise with redirect_uris on several hosts needs sector_identifier_uri"
        )


def _name(_supported: Supported, value: object) -> str:
    return name(value)


def uri(supported: Supported, value: object) -> str:
    """Check the address of a page or an endpoint."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    uris.web(value, development=supported.development)
    return value


def strings(_supported: Supported, value: object) -> list[str]:
    """Check a list of different strings."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("must be a list of strings")
    if len(value) > _MOST or len(set(value)) != len(value):
        raise ValueError(f"must have at most {_MOST} entries, none of them twice")
    return value


def _words(supported: Supported, value: object) -> list[str]:
    if not all(_WORD.fullmatch(each) for each in strings(supported, value)):
        raise ValueError("must be a list of plain words")
    return list(strings(supported, value))


def _some_of(allowed: Callable[[Supported], frozenset[str]]) -> Rule:
    def rule(supported: Supported, value: object) -> list[str]:
        listed = strings(supported, value)
        if not set(listed) <= allowed(supported):
            raise ValueError(f"must be of {', '.join(sorted(allowed(supported)))}")
        return listed

    return rule


def _response_types(supported: Supported, value: object) -> list[str]:
    """The words of a response type have no order (RFC 6749 §3.1.1); here they stand in the alphabet's."""
    ordered = [" ".join(sorted(each.split(" "))) for each in strings(supported, value)]
    return list(_some_of(lambda known: known.response_types)(supported, ordered))


def announced(listed: str) -> Rule:
    """One of what discovery lists under this name."""

    def rule(supported: Supported, value: object) -> str:
        offered = supported.announced.get(listed, ())
        if not isinstance(value, str) or value not in offered:
            raise ValueError(f"must be one of {', '.join(sorted(offered))}" if offered else "is not offered here")
        return value

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
    return [name(each) for each in strings(supported, value)]


def _statement(_supported: Supported, value: object) -> str:
    """Kept as it came, for whoever judged it (RFC 7591 §2.3); what it says stands in the other members."""
    if not isinstance(value, str) or len(value) > 8192 or not value.isascii():
        raise ValueError("must be a JWT of at most 8192 characters")
    return value


def _jwks(_supported: Supported, value: object) -> dict[str, Any]:
    """A key set of public keys (RFC 7517 §5)."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(keys, list) or not 1 <= len(keys) <= _MOST:
        raise ValueError(f"must be a JWK set with 1 to {_MOST} keys")
    for key in keys:
        if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP"):
            raise ValueError("each key must be a JWK of type RSA, EC or OKP")
        if key.keys() & PRIVATE_MEMBERS:
            raise ValueError("must hold public keys only: take the private members out, and replace the keys")
        if not _importable(key):
            raise ValueError("each key must be complete (RFC 7518 §6), RSA keys of at least 2048 bits")
    return value


def _importable(key: dict[str, Any]) -> bool:
    modulus = key.get("n")
    if key["kty"] == "RSA" and not (isinstance(modulus, str) and _RSA_N[0] <= len(modulus) <= _RSA_N[1]):
        return False
    try:
        JWKRegistry.import_key(key)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return False
    return isinstance(key.get("kid", ""), str)


def _request_uris(supported: Supported, value: object) -> list[str]:
    """Addresses of request objects; a fragment is the hash of what is found there (Core §6.2)."""
    listed = strings(supported, value)
    for each in listed:
        uri(supported, each.partition("#")[0])
    return listed


_TRANSLATED = frozenset({"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"})

_RULES: Mapping[str, Rule] = {
    "client_name": _name,
    "redirect_uris": strings,  # judged by _check_redirects, once the application's type is known
    "post_logout_redirect_uris": strings,
    "grant_types": _grant_types,
    "response_types": _response_types,
    "token_endpoint_auth_method": _one_of(lambda supported: supported.auth_methods),
    "scope": _scope,
    "jwks": _jwks,
    "jwks_uri": uri,
    "application_type": _one_of(lambda _: frozenset({"native", "web"})),
    "subject_type": announced("subject_types_supported"),
    "sector_identifier_uri": uri,
    "token_endpoint_auth_signing_alg": announced("token_endpoint_auth_signing_alg_values_supported"),
    "id_token_signed_response_alg": announced("id_token_signing_alg_values_supported"),
    "id_token_encrypted_response_alg": announced("id_token_encryption_alg_values_supported"),
    "id_token_encrypted_response_enc": announced("id_token_encryption_enc_values_supported"),
    "userinfo_signed_response_alg": announced("userinfo_signing_alg_values_supported"),
    "userinfo_encrypted_response_alg": announced("userinfo_encryption_alg_values_supported"),
    "userinfo_encrypted_response_enc": announced("userinfo_encryption_enc_values_supported"),
    "request_object_signing_alg": announced("request_object_signing_alg_values_supported"),
    "request_object_encryption_alg": announced("request_object_encryption_alg_values_supported"),
    "request_object_encryption_enc": announced("request_object_encryption_enc_values_supported"),
    "request_uris": _request_uris,
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
    "software_statement": _statement,
    "software_version": _name,
}
