"""What every signed assertion must say: for whom it is, when it counts, under which name it counts once (RFC 7523 §3).

Clients authenticate by assertions, and issuers that we trust speak for people; the signature is judged before.
"""

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
    now = context.now().timestamp()
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if "exp" not in times or not all(map(is_time, times.values())):
        raise BadToken("exp is missing, or a time is not a number")
    if not now - SKEW < times["exp"] <= now + _LONGEST + SKEW:
        raise BadToken("it is expired, or lives longer than five minutes")
    if any(times[name] > now + SKEW for name in ("iat", "nbf") if name in times):
        raise BadToken("it is of the future")
    if not isinstance(claims.get("jti"), str) or len(claims["jti"]) not in _JTI:
        raise BadToken("jti is missing, or no string of 1 to 256 characters")


def use(purpose: str, issuer: str, claims: dict[str, Any]) -> bool:
    """Use the assertion, which was judged; False if it was used before."""
    until = datetime.fromtimestamp(claims["exp"] + SKEW, UTC)
    return replay.burn(purpose, issuer, claims["jti"], until)


def is_time(value: object) -> bool:
    """Whether it can be seconds since the epoch."""
    # Compared and never converted: an integer may be too large for a float. NaN and infinity fail too.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11
