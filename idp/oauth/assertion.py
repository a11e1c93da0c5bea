"""What every signed assertion must say: for whom it is, when it counts, under which name it counts once (RFC 7523 §3).

Clients authenticate by assertions, and issuers that we trust speak for people; the signature is judged before. `times`
and `identifier` are how every JWT of somebody else's is read here: request objects, DPoP proofs, statements too.
"""

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from idp import context
from idp.oauth import replay
from keys import BadToken

SKEW = 60  # seconds that two clocks may differ
_LONGEST = 300  # seconds that an assertion may live from now
_JTI = range(1, 257)  # characters


def judge(claims: dict[str, Any], audiences: tuple[str, ...]) -> None:
    """Audience, lifetime and identifier; types before values.

    The audience is one string, never a list: one of several servers could present the assertion to another.

    Raises:
        BadToken: anything is missing or wrong; the text is for the log.
    """
    if claims.get("aud") not in audiences:
        raise BadToken("aud must be the issuer, as one string")
    if times(claims, needed=("exp",))["exp"] > context.now().timestamp() + _LONGEST + SKEW:
        raise BadToken("it lives longer than five minutes")
    identifier(claims)


def use(purpose: str, issuer: str, claims: dict[str, Any]) -> bool:
    """Use the assertion, which was judged; False if it was used before."""
    until = datetime.fromtimestamp(claims["exp"] + SKEW, UTC)
    return replay.burn(purpose, issuer, claims["jti"], until)


def times(claims: Mapping[str, Any], *, needed: Collection[str] = ()) -> dict[str, float]:
    """`exp`, `nbf` and `iat`, those of them that it says, in seconds since the epoch (RFC 7519 §4.1).

    Raises:
        BadToken: one that is `needed` is missing, one is no time, it is expired, or of the future.
    """
    if missing := sorted(set(needed) - claims.keys()):
        raise BadToken(f"{missing[0]} is missing")
    found = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if wrong := [name for name, value in found.items() if not is_time(value)]:
        raise BadToken(f"{wrong[0]} is no time")
    now = context.now().timestamp()
    if found.get("exp", math.inf) <= now - SKEW:
        raise BadToken("it is expired")
    if max(found.get("nbf", now), found.get("iat", now)) > now + SKEW:
        raise BadToken("it is of the future")
    return found


def identifier(claims: Mapping[str, Any]) -> str:
    """`jti`, under which it counts once (RFC 7519 §4.1.7).

    Raises:
        BadToken: missing, or no string of a sensible length.
    """
    jti = claims.get("jti")
    if not isinstance(jti, str) or len(jti) not in _JTI:
        raise BadToken("jti is missing, or no string of 1 to 256 characters")
    return jti


def is_time(value: object) -> bool:
    """Whether it can be seconds since the epoch."""
    # Compared and never converted: an integer may be too large for a float. NaN and infinity fail too.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11
