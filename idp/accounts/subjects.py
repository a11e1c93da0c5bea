"""The subject identifier by which a person is known to clients (OpenID Connect Core §8, `public`)."""

import secrets


def new() -> str:
    """A new `sub`: 160 random bits, so it tells nothing and is never given to anybody else."""
    return secrets.token_urlsafe(20)
