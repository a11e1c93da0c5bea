"""Which clients are under the FAPI 2.0 Security Profile: those that say so in their metadata, or all by the settings.

What the profile demands stands where it is enforced: `oauth/extensions/fapi2.py`, and each reader of signatures.
"""

from idp import context
from idp.clients import keys
from idp.clients.models import Client

FAPI2 = "fapi2"
ALGORITHMS = ("PS256", "ES256", "EdDSA")  # FAPI 2.0 Security Profile §5.4.1


def is_fapi2(client: Client) -> bool:
    """Whether the profile's rules hold for this client."""
    return FAPI2 in (client.profile, context.settings().profile)


def algorithms(client: Client) -> tuple[str, ...]:
    """What the client may sign with: all that is safe, in its profile less."""
    return ALGORITHMS if is_fapi2(client) else keys.SIGNING
