"""Errors that the outside sees, in the words of the specifications.

    OAuthError                     an `error` code, a fixed sentence, and a private detail for the log
    ├── InvalidRequest             RFC 6749 §4.1.2.1, §5.2
    ├── InvalidClient              RFC 6749 §5.2: 401 with a challenge
    ├── InvalidGrant  UnauthorizedClient  UnsupportedGrantType  InvalidScope      RFC 6749 §5.2
    ├── UnsupportedResponseType  AccessDenied                                     RFC 6749 §4.1.2.1
    ├── LoginRequired  InteractionRequired  ConsentRequired                       OpenID Connect Core §3.1.2.6
    ├── RequestNotSupported  RequestUriNotSupported  RegistrationNotSupported
    ├── InvalidRequestUri  InvalidRequestObject     OpenID Connect Core §3.1.2.6
    │   └── Answered (grants)      RFC 9126 §4: another answer came first
    ├── UnmetAuthenticationRequirements     OpenID Connect Unmet Authentication Requirements
    ├── InvalidTarget              RFC 8707 §2
    ├── InvalidToken               RFC 6750 §3.1: 401 with a challenge
    │   └── NoToken                no credentials were sent: a challenge without an error code
    ├── InsufficientUserAuthentication      RFC 9470 §3: 401 with `acr_values` or `max_age`
    ├── InsufficientScope          RFC 6750 §3.1: 403
    ├── TooManyRequests            429, RFC 6585 §4
    └── TemporarilyUnavailable     503 with Retry-After: the database or the password queue is away

An error has a public face and a private one: `description` never repeats what was sent, `private` is for the log alone.
What only one extension, or one part of the core, can say is an `OAuthError` that stands there.
A refusal commits what was counted before it (attempts, a spent code); any other exception rolls back.
"""

from typing import Any

from authlib.oauth2 import OAuth2Error


class OAuthError(OAuth2Error):  # type: ignore[misc]
    """A refusal with the error code of a specification; answered as JSON, as a redirect or as a page."""

    error: str = "invalid_request"
    status_code: int = 400
    description: str = ""

    def __init__(self, description: str = "", *, private: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(description or self.description or None)
        self.private = private
        self.headers = headers or {}

    def get_headers(self) -> list[tuple[str, str]]:
        """The headers of the answer: never cached (RFC 6749 §5.2), and those of this error."""
        return [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *self.headers.items()]

    def facts(self) -> dict[str, Any]:
        """What the log line says about it."""
        return {"error": self.error, "description": self.description, "private": self.private}


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated, or malformed."""

    error = "invalid_request"


class InvalidClient(OAuthError):
    """Client authentication failed; unknown client and wrong secret are one answer."""

    error = "invalid_client"
    status_code = 401
    description = "client authentication failed"

    def __init__(self, description: str = "", *, private: str = "", headers: dict[str, str] | None = None) -> None:
        # RFC 6749 §5.2: a challenge that matches the scheme; libraries (Nimbus) want it on every invalid_client.
        super().__init__(description, private=private, headers={"WWW-Authenticate": "Basic", **(headers or {})})


class InvalidGrant(OAuthError):
    """The code or refresh token is unknown, used, expired, revoked, or another client's."""

    error = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """The client did not register what it asks for."""

    error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """No enabled extension knows the grant type."""

    error = "unsupported_grant_type"
    description = "the grant type is not supported"


class UnsupportedResponseType(OAuthError):
    """No enabled extension knows the response type."""

    error = "unsupported_response_type"
    description = "the response type is not supported"


class InvalidScope(OAuthError):
    """At the token endpoint: more than was granted (RFC 6749 §6)."""

    error = "invalid_scope"


class AccessDenied(OAuthError):
    """The user, or our rules, said no."""

    error = "access_denied"


class LoginRequired(OAuthError):
    """prompt=none without a usable sign-in."""

    error = "login_required"
    description = "the user must sign in"


class InteractionRequired(OAuthError):
    """prompt=none, or a refresh, where the user must act."""

    error = "interaction_required"
    description = "the user must act"


class ConsentRequired(OAuthError):
    """prompt=none without a remembered consent."""

    error = "consent_required"
    description = "the user must consent"


class UnmetAuthenticationRequirements(OAuthError):
    """A required factor that this user cannot give here."""

    error = "unmet_authentication_requirements"


class RequestNotSupported(OAuthError):
    """The `request` parameter, while request objects are not enabled."""

    error = "request_not_supported"
    description = "request objects are not supported"


class RequestUriNotSupported(OAuthError):
    """The `request_uri` parameter, while neither request objects nor pushed requests are enabled."""

    error = "request_uri_not_supported"
    description = "request_uri is not supported"


class InvalidRequestUri(OAuthError):
    """The request_uri is unknown, over, or another client's (RFC 9101 §6.2)."""

    error = "invalid_request_uri"


class InvalidRequestObject(OAuthError):
    """The request object is malformed, not signed by the client, or for somebody else (RFC 9101 §6.2)."""

    error = "invalid_request_object"
    description = "the request object is not valid"


class RegistrationNotSupported(OAuthError):
    """The `registration` parameter of self-issued providers."""

    error = "registration_not_supported"
    description = "the registration parameter is not supported"


class InvalidTarget(OAuthError):
    """The resource is malformed, unknown, or not for this client (RFC 8707 §2)."""

    error = "invalid_target"


class InvalidToken(OAuthError):
    """The bearer token is malformed, expired, revoked, or for somebody else (RFC 6750 §3.1)."""

    error = "invalid_token"
    status_code = 401
    description = "the access token is not valid here"

    def __init__(self, description: str = "", *, private: str = "") -> None:
        super().__init__(description, private=private)
        self.headers = {"WWW-Authenticate": f'Bearer error="{self.error}", error_description="{self.description}"'}


class NoToken(InvalidToken):
    """No credentials were sent: the challenge carries no error code (RFC 6750 §3.1)."""

    description = "an access token is needed"

    def __init__(self) -> None:
        super().__init__()
        self.headers = {"WWW-Authenticate": "Bearer"}


class InsufficientUserAuthentication(OAuthError):
    """The user signed in too weakly or too long ago; the challenge says what would do (RFC 9470 §3)."""

    error = "insufficient_user_authentication"
    status_code = 401
    description = "the company asks for a stronger or newer sign-in"

    def __init__(self, **wanted: str) -> None:
        super().__init__()
        said = {"error": self.error, "error_description": self.description, **wanted}
        challenge = ", ".join(f'{name}="{value}"' for name, value in said.items())
        self.headers = {"WWW-Authenticate": f"Bearer {challenge}"}


class InsufficientScope(OAuthError):
    """The token lacks a scope (RFC 6750 §3.1); the challenge names it."""

    error = "insufficient_scope"
    status_code = 403
    description = "the access token lacks a scope"

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}


class TooManyRequests(OAuthError):
    """A limit was passed; `retry_after` in seconds."""

    error = "temporarily_unavailable"
    status_code = 429
    description = "too many attempts, try again later"

    def __init__(self, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})
        self.retry_after = retry_after


class TemporarilyUnavailable(OAuthError):
    """The database or the password queue is away: nothing was decided, try again (RFC 6749 §4.1.2.1)."""

    error = "temporarily_unavailable"
    status_code = 503
    description = "not available at the moment, try again in a few seconds"

    def __init__(self, private: str = "") -> None:
        super().__init__(private=private, headers={"Retry-After": "5"})
