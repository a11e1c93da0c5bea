"""Which clients are under the FAPI 2.0 Security Profile: those that say so in their metadata, or all by the settings.

What the profile demands stands where it is enforced: `oauth/extensions/fapi2.py`, and each reader of signatures.
"""

from idp import context
from idp.clients import keys
from idp.clients.models import Client
from idp.settings import Settings

FAPI2 = "fapi2"
ALGORITHMS = ("PS256", "ES256", "EdDSA")  # FAPI 2.0 Security Profile §5.4.1
METHODS = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")  # §5.3.2.1 6


def is_fapi2(client: Client) -> bool:
    """Whether the profile's rules hold for this client."""
    return FAPI2 in (client.profile, context.settings().profile)


def signed_response_alg(client: Client, kind: str) -> str:
    """What we sign a kind of answer with (`id_token`, `authorization`): what the client registered, else a default.

    OpenID Connect Registration §2 and JARM §3 make that RS256, which the profile does not take.
    """
    chosen = client.client_metadata.get(f"{kind}_signed_response_alg")
    return str(chosen or ("ES256" if is_fapi2(client) else "RS256"))


def offered(settings: Settings) -> tuple[str, ...]:
    """What discovery says that clients may sign with."""
    return ALGORITHMS if settings.profile else keys.SIGNING


def signing(settings: Settings) -> list[str]:
    """What discovery says that we sign with."""
    return [alg for alg in settings.keys.signing if not settings.profile or alg in ALGORITHMS]


def algorithms(client: Client) -> tuple[str, ...]:
    """What the client may sign with: all that is safe, in its profile less."""
    return ALGORITHMS if is_fapi2(client) else keys.SIGNING
