"""What holds for clients under the FAPI 2.0 Security Profile (final), over what holds for every client.

A client is under it by `profile = "fapi2"` in its metadata, or all are by the setting of that name. Elsewhere, for all:
exact https redirect URIs, `iss` in every answer, codes that last a minute and work once, 303. In their own files: the
issuer as only audience of an assertion (private_key_jwt), the algorithms (idp.clients.profile). Refresh tokens do not
rotate (§5.3.2.1 9), since no client under the profile is public.
"""

from collections.abc import Sequence

from idp.clients import profile, registration
from idp.clients.metadata import InvalidMetadata, Metadata, Supported
from idp.clients.models import Client
from idp.errors import InvalidRequest, UnauthorizedClient
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.settings import Settings

_SIGNING = ("_signing_alg", "_signed_response_alg")  # how members that name an algorithm end (Registration §2)


def known_profile(_supported: Supported, value: object) -> str:
    """The member `profile`."""
    if value != profile.FAPI2:
        raise ValueError(f"must be {profile.FAPI2}, or absent")
    return profile.FAPI2


def agree(settings: Settings, registered: Metadata) -> None:
    """What a client under the profile may register."""
    if profile.FAPI2 in (registered.profile, settings.profile):
        _check(registered)


def _check(metadata: Metadata) -> None:
    if metadata.token_endpoint_auth_method not in profile.METHODS:
        raise _unlike("token_endpoint_auth_method", profile.METHODS)
    if not set(metadata.response_types) <= {"code"}:
        raise _unlike("response_types", ["code"])
    if "implicit" in metadata.grant_types:
        raise InvalidMetadata("grant_types", "must be without implicit under the FAPI 2.0 profile")
    for member, value in metadata.other.items():
        if member.endswith(_SIGNING) and value not in profile.ALGORITHMS:
            raise _unlike(member, profile.ALGORITHMS)


def _unlike(member: str, allowed: Sequence[str]) -> InvalidMetadata:
    return InvalidMetadata(member, f"must be {' or '.join(allowed)} under the FAPI 2.0 profile")


def demand_at_authorize(request: OAuthRequest) -> None:
    """§5.3.2.2: the request was pushed, and its code is bound to a verifier; pkce.py judges the challenge.

    Of a device and the like (RFC 8628, CIBA) nothing comes through a browser: the client sent it all by itself.
    """
    if not profile.is_fapi2(request.client):
        return
    _refuse_what_it_could_not_register(request.client)
    if request.learnt.decoupled:
        return
    if not request.learnt.pushed:
        raise InvalidRequest("the request must be pushed (RFC 9126): the FAPI 2.0 profile holds for this client")
    if request.payload.get("code_challenge") is None:
        raise InvalidRequest("code_challenge is missing: PKCE with S256 is required")


def demand_at_token(request: OAuthRequest) -> None:
    """The client could register today."""
    if profile.is_fapi2(request.client):
        _refuse_what_it_could_not_register(request.client)


def demand_constraint(request: OAuthRequest) -> None:
    """§5.3.2.1 4 and 5: only tokens that are bound to a key, by DPoP or by the certificate of a TLS connection."""
    if profile.is_fapi2(request.client) and not request.confirmation:
        raise InvalidRequest("send a DPoP proof or use mutual TLS: the FAPI 2.0 profile holds for this client")


def _refuse_what_it_could_not_register(client: Client) -> None:
    """The settings may have put a client under the profile that was registered for something else."""
    try:
        _check(registration.metadata_of(client))
    except InvalidMetadata as error:
        raise UnauthorizedClient("the client is not registered for the FAPI 2.0 profile", private=str(error)) from None


extension = Extension(
    name="fapi2",
    spec="FAPI 2.0 Security Profile",
    client_metadata={"profile": known_profile},
    client_check=agree,
    authorize={Phase.VALIDATE: demand_at_authorize},
    token={Phase.VALIDATE: demand_at_token, Phase.REQUIRE: demand_constraint},
)
