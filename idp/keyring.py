"""The key set of an instance, from its settings: which keys it keeps, for how long, and what seals them at rest."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from idp.accounts import devices
from idp.settings import Misconfigured, Settings
from keys import KeySet, Policy, parse_kek


def key_set(settings: Settings, connect: Callable[[], AbstractContextManager[psycopg.Connection[Any]]]) -> KeySet:
    """The key set; `connect` gives a connection to the signing_key table."""
    return KeySet(connect, keks(settings), policy(settings))


def policy(settings: Settings) -> Policy:
    """Which keys the settings ask for: a retired one is kept as long as what it made may come back.

    An ID token comes back as a hint for as long as its session lasts, after its `exp` too.
    """
    tokens, session = settings.tokens, settings.session
    return Policy(
        signing=settings.keys.signing,
        publish_before=settings.keys.publish_before,
        lifetime=settings.keys.rotate_every,
        longest_token=max(tokens.id_token_ttl, tokens.access_token_ttl, session.lifetime),
        longest_sealed=max(tokens.refresh_token_ttl, session.lifetime, int(devices.LIFETIME.total_seconds())),
    )


def keks(settings: Settings) -> list[bytes]:
    """The key-encryption keys, the one that seals first."""
    if settings.keys.kek is None:
        raise Misconfigured("keys.kek is missing: set IDP_KEYS__KEK or IDP_KEYS__KEK_FILE")
    try:
        return [parse_kek(kek.get_secret_value()) for kek in (settings.keys.kek, *settings.keys.previous_keks)]
    except ValueError as error:
        raise Misconfigured(f"IDP_KEYS__KEK or IDP_KEYS__PREVIOUS_KEKS: {error}") from None
