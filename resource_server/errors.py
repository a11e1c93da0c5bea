"""The two ways in which a request ends before the view: it is refused (RFC 6750 §3), or nobody can tell."""


class Refused(Exception):
    """The request does not carry what it needs; becomes `status` and a `WWW-Authenticate: Bearer` header.

    `error` is RFC 6750's code, None for a request that tried nothing. `description` is a fixed sentence for the
    client's developer and never repeats what was sent. `scope` names what would have been enough.
    """

    def __init__(self, status: int, error: str | None = None, description: str = "", scope: str | None = None) -> None:
        super().__init__(description or error or "a bearer token is required")
        self.status = status
        self.error = error
        self.description = description
        self.scope = scope


class InvalidToken(Refused):
    """The token is malformed, forged, expired, or not for this resource server (RFC 6750 §3.1)."""

    def __init__(self, description: str) -> None:
        super().__init__(401, "invalid_token", description)


class InsufficientScope(Refused):
    """The token is good, but does not reach as far as this request (RFC 6750 §3.1)."""

    def __init__(self, *scopes: str) -> None:
        super().__init__(403, "insufficient_scope", "the token lacks a scope", " ".join(scopes))


class Unavailable(Exception):
    """The IdP could not be asked and nothing remembered can answer: 503 with Retry-After, never a guess."""

    retry_after = 5  # seconds
