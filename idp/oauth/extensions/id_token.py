"""ID tokens: OpenID Connect Core §2; the hint of an earlier one (§3.1.2.1), and claims that a client wants in it."""

from typing import Any

from idp.clients import encryption, profile
from idp.errors import InvalidRequest
from idp.oauth import claims, subjects, tokens
from idp.oauth.claims import SCOPE_CLAIMS, Claims, Subject, TokenKind
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.settings import Settings


def read_hint(request: OAuthRequest) -> None:
    """Whom an `id_token_hint` names; expired ones count too, forged ones are refused (Core §3.1.2.1)."""
    hint = request.payload.get("id_token_hint")
    if hint is None:
        return
    found = tokens.parse_id_token(hint)
    if found is None:
        raise InvalidRequest("id_token_hint is not an ID token of this provider")
    request.learnt.expect(subjects.of_id_token(found))


def registered_claims(subject: Subject) -> Claims:
    """The claims that this client's registration puts into its ID tokens, as far as its scopes allow them.

    All that the scopes ask for where the ID token comes alone (Core §5.4).
    """
    if subject.only_id_token:
        return claims.of_scopes(subject)
    if not subject.client.id_token_claims or subject.standing is None:
        return {}
    known = claims.of_scopes(subject)
    return {claim: known[claim] for claim in subject.client.id_token_claims if claim in known}


def metadata(settings: Settings) -> dict[str, Any]:
    """OpenID Connect Discovery §3."""
    return {
        "id_token_signing_alg_values_supported": profile.signing(settings),
        **encryption.announced("id_token"),
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", *SCOPE_CLAIMS, "offline_access"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash",
            *(claim for found in SCOPE_CLAIMS.values() for claim in found),
        ],
        "acr_values_supported": list(tokens.ACR_VALUES),
    }  # fmt: skip


extension = Extension(
    name="id_token",
    spec="OpenID Connect Core §2",
    metadata=metadata,
    parameters=frozenset({"id_token_hint"}),
    authorize={Phase.VALIDATE: read_hint},
    claims={TokenKind.ID: registered_claims},
)
