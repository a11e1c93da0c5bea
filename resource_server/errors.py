"""The two ways in which a request ends before the view: it is refused (RFC 6750 §3), or nobody can tell."""

from collections.abc import Sequence


class Refused(Exception):
    """The request does not carry what it needs; becomes `status` and a `WWW-Authenticate` header.

    `error` is RFC 6750's code, None for a request that tried nothing. `description` is a fixed sentence for the
    client's developer and never repeats what was sent. `wanted` names what would have been enough: `scope`,
    `acr_values`, `max_age`.
    """

    def __init__(self, status: int, error: str | None = None, description: str = "", **wanted: str) -> None:
        super().__init__(description or error or "an access token is required")
        self.status = status
        self.error = error
        self.description = description
        self.wanted = wanted


class InvalidToken(Refused):
    """The token is malformed, forged, expired, or not for this resource server (RFC 6750 §3.1)."""

    def __init__(self, description: str) -> None:
        super().__init__(401, "invalid_token", description)


class InvalidProof(Refused):
    """The DPoP proof is missing, malformed, of another request or token, or was used before (RFC 9449 §7.1, §12.2)."""

    def __init__(self, description: str) -> None:
        super().__init__(401, "invalid_dpop_proof", description)


class InsufficientAuthentication(Refused):
    """The user must sign in more strongly, or anew, to do this (RFC 9470 §3)."""

    def __init__(self, *, acr_values: Sequence[str], max_age: int | None) -> None:
        wanted = {"acr_values": " ".join(acr_values), "max_age": None if max_age is None else str(max_age)}
        super().__init__(
            401,
            "insufficient_user_authentication",
            "the sign-in behind the token is too weak or too old",
            **{name: value for name, value in wanted.items() if value},
        )


class InsufficientScope(Refused):
    """The token is good, but does not reach as far as this request (RFC 6750 §3.1)."""

    def __init__(self, *scopes: str) -> None:
        super().__init__(403, "insufficient_scope", "the token lacks a scope", scope=" ".join(scopes))


class Unavailable(Exception):
    """The IdP could not be asked and nothing remembered can answer: 503 with Retry-After, never a guess."""

    retry_after = 5  # seconds
