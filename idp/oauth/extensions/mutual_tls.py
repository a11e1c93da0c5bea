"""Mutual TLS: RFC 8705. A certificate authenticates the client, or binds its access tokens to a key, or does both.

It comes from the proxy where TLS ends (idp.clients.certificates). Unless the settings say how, nothing here is offered,
and `tls_client_auth` only with authorities that vouch for clients.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from idp import context, limits
from idp.clients import certificates, keys
from idp.clients.certificates import Authorities, Untrusted
from idp.clients.keys import Jwk
from idp.clients.metadata import InvalidMetadata, Metadata, Rule, Supported, boolean
from idp.clients.models import Client
from idp.errors import InvalidClient, InvalidRequest, InvalidToken
from idp.limits import Limit, Window
from idp.oauth.extension import ClientAuth, Confirmation, Endpoint, Extension, FindClient, Phase, no_metadata
from idp.oauth.request import OAuthRequest
from idp.settings import Settings

PKI, SELF_SIGNED = "tls_client_auth", "self_signed_tls_client_auth"
BOUND = "tls_client_certificate_bound_access_tokens"
THUMBPRINT = "x5t#S256"  # RFC 8705 §3.1

_EVENTS = Limit("client.auth_failed", (Window(10, 60),))  # rows that certificates of one client may cost

# RFC 4514 §3 has but nine short names; OpenSSL shows these too, and certificates for companies have them.
_SHORT_NAMES = {
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
    "jurisdictionC": NameOID.JURISDICTION_COUNTRY_NAME,
    "postalCode": NameOID.POSTAL_CODE,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
    "title": NameOID.TITLE,
}


def _distinguished_name(value: str) -> x509.Name:
    try:
        return x509.Name.from_rfc4514_string(value, _SHORT_NAMES)
    except ValueError:
        raise ValueError("must be a distinguished name such as CN=app,O=Example,C=NO (RFC 4514)") from None


def _address(value: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(value)
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None


def _alternatives(kind: type[x509.GeneralName], certificate: x509.Certificate) -> list[Any]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.value for name in names if isinstance(name, kind)]


@dataclass(frozen=True)
class _Subject:
    """A member that names the client's certificate: how its value is read, and where certificates have such values."""

    read: Callable[[str], Any]  # raises ValueError with a sentence
    of: Callable[[x509.Certificate], list[Any]]


# RFC 8705 §2.1.2. Addresses are compared as numbers (RFC 5952 §8), all else byte by byte: no wildcards, no folding.
_SUBJECTS = {
    "tls_client_auth_subject_dn": _Subject(_distinguished_name, lambda certificate: [certificate.subject]),
    "tls_client_auth_san_dns": _Subject(str, partial(_alternatives, x509.DNSName)),
    "tls_client_auth_san_uri": _Subject(str, partial(_alternatives, x509.UniformResourceIdentifier)),
    "tls_client_auth_san_ip": _Subject(_address, partial(_alternatives, x509.IPAddress)),
    "tls_client_auth_san_email": _Subject(str, partial(_alternatives, x509.RFC822Name)),
}


def tls_client_auth(authorities: Authorities, query: FindClient, request: OAuthRequest) -> Client | None:
    """The client whose registered subject an authority put into the certificate (RFC 8705 §2.1)."""
    if (claimed := _claimed(PKI, query, request)) is None:
        return None
    client, certificate = claimed
    try:
        if _is_subject(client, authorities.verified(certificate, context.now())):
            return client
    # What verification did not look at may be no DER, and is read only now.
    except (Untrusted, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise _refused(client, PKI, str(error)) from None
    raise _refused(client, PKI, "it has not the registered subject")


def _is_subject(client: Client, certificate: x509.Certificate) -> bool:
    registered = ((subject, client.client_metadata.get(member)) for member, subject in _SUBJECTS.items())
    return any(name is not None and subject.read(name) in subject.of(certificate) for subject, name in registered)


def self_signed_tls_client_auth(query: FindClient, request: OAuthRequest) -> Client | None:
    """The client that registered this very certificate; neither its signature nor its time count (RFC 8705 §2.2)."""
    if (claimed := _claimed(SELF_SIGNED, query, request)) is None:
        return None
    client, certificate = claimed
    # Certificates rotate: one that is not known is worth another look at what the client publishes.
    if any(certificate in _certificates(keys.keys_of(client, newer=newer)) for newer in (False, True)):
        return client
    raise _refused(client, SELF_SIGNED, "it is not registered")


def _refused(client: Client, method: str, reason: str) -> InvalidClient:
    client_id, company_id = client.client_id, client.company_id
    limits.record(_EVENTS, client_id, client_id=client_id, company_id=company_id, method=method, reason=reason)
    return InvalidClient(private=f"certificate of {client_id}: {reason}")


def _claimed(method: str, query: FindClient, request: OAuthRequest) -> tuple[Client, bytes] | None:
    """The client that `client_id` names (required by RFC 8705 §2), if the method is its own, and the certificate."""
    client = query(request.payload.client_id) if request.payload.client_id else None
    if client is None or client.token_endpoint_auth_method != method:
        return None
    certificate = certificates.presented()
    return (client, certificate) if certificate else None


def _certificates(listed: list[Jwk]) -> list[bytes]:
    """The certificates of a key set: the first of each `x5c` (RFC 8705 §2.2.2, RFC 7517 §4.7)."""
    found = []
    for jwk in listed:
        chain = jwk.get("x5c")
        if isinstance(chain, list) and chain and isinstance(chain[0], str):
            try:
                found.append(base64.b64decode(chain[0]))
            except ValueError:
                continue
    return found


def check_certificate(request: OAuthRequest) -> None:
    """At the token endpoint, before the grant is looked at: to come without must not cost the client its code."""
    _bound_to(request.client)


def bind(request: OAuthRequest) -> None:
    """The access token is bound to the certificate, if the client registered that (RFC 8705 §3, §3.4)."""
    if certificate := _bound_to(request.client):
        request.confirmation = {**(request.confirmation or {}), THUMBPRINT: certificates.thumbprint(certificate)}


def _bound_to(client: Client) -> bytes | None:
    if not client.client_metadata.get(BOUND):
        return None
    if certificate := certificates.presented():
        return certificate
    raise InvalidRequest("this client's access tokens are bound to a certificate: make the request with one")


def refuse_in_front(request: OAuthRequest) -> None:
    """A browser has no certificate to bind the token of an authorization response to."""
    if request.client.client_metadata.get(BOUND) and "token" in request.in_front:
        raise InvalidRequest("this client's access tokens are bound to a certificate: ask for a code instead")


def confirm(_access_token: str, expected: str) -> None:
    """Whoever presents a bound token has made the connection with its certificate (RFC 8705 §3)."""
    certificate = certificates.presented()
    if certificate is None or certificates.thumbprint(certificate) != expected:
        raise InvalidToken(private="the token is bound to another certificate")


def _subject_rule(subject: _Subject) -> Rule:
    def rule(_supported: Supported, value: object) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= 1000:
            raise ValueError("must be a string of 1 to 1000 characters")
        subject.read(value)
        return value

    return rule


def agree(_settings: Settings, registered: Metadata) -> None:
    """What names the certificate goes with the method that reads it (RFC 8705 §2.1.2, §2.2.2)."""
    named = [member for member in _SUBJECTS if member in registered.other]
    method = registered.token_endpoint_auth_method
    if method == PKI and len(named) != 1:
        raise InvalidMetadata("token_endpoint_auth_method", f"needs exactly one of {', '.join(_SUBJECTS)}")
    if method != PKI and named:
        raise InvalidMetadata(named[0], f"is for token_endpoint_auth_method {PKI}")
    published = "jwks_uri" in registered.other or _certificates(keys.usable(registered.jwks or {}))
    if method == SELF_SIGNED and not published:
        raise InvalidMetadata("jwks", f"needs a key with its certificate in x5c for {SELF_SIGNED}, or a jwks_uri")


def metadata(_settings: Settings) -> dict[str, Any]:
    """RFC 8705 §3.3."""
    return {BOUND: True}


def aliases(settings: Settings, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Where clients with certificates find the endpoints, unless that is where all do (RFC 8705 §5)."""
    there = settings.mutual_tls.url
    if there is None:
        return {}
    # People's browsers would be asked for a certificate there.
    machines = [endpoint for endpoint in endpoints if not endpoint.interactive]
    named = {endpoint.announced: there + endpoint.path for endpoint in machines if endpoint.announced}
    return {"mtls_endpoint_aliases": named}


def configured(settings: Settings) -> Extension:
    """What the settings leave of the extension: nothing that clients could see, if no proxy hands certificates on."""
    if settings.mutual_tls.header is None:
        # But whoever registered bound tokens while there was one does not get unbound ones now.
        return replace(extension, metadata=no_metadata, derived=None, client_metadata={}, client_check=None)
    methods: dict[str, ClientAuth] = {SELF_SIGNED: self_signed_tls_client_auth}
    if settings.mutual_tls.ca_file:
        methods[PKI] = partial(tls_client_auth, Authorities(settings.mutual_tls.ca_file))
    return replace(extension, client_auth=methods)


extension = Extension(
    name="mutual_tls",
    spec="RFC 8705",
    configured=configured,
    metadata=metadata,
    derived=aliases,
    client_metadata={member: _subject_rule(subject) for member, subject in _SUBJECTS.items()} | {BOUND: boolean},
    client_check=agree,
    authorize={Phase.VALIDATE: refuse_in_front},
    token={Phase.VALIDATE: check_certificate, Phase.BIND: bind},
    confirms={THUMBPRINT: Confirmation(confirm)},
)
