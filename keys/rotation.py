"""When keys change: next -> active -> retired -> dropped, as a pure plan.

There is one `next` and one `active` key for each (use, alg). `next` is published and signs nothing, so that every
relying party's copy of the JWKS holds it long before it is needed; `active` signs; `retired` still verifies, or opens,
what it made.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from keys.algorithms import ALGORITHMS
from keys.errors import UnknownKey

Use = Literal["sig", "enc"]
State = Literal["next", "active", "retired"]
DAY = 86_400


@dataclass(frozen=True)
class Key:
    """A row of `signing_key` without its material. Times are seconds since the epoch, UTC."""

    kid: str
    use: Use
    alg: str
    state: State
    created_at: float
    activated_at: float | None = None
    drop_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Which keys are kept, and for how many seconds."""

    signing: tuple[str, ...] = ("ES256", "RS256")
    publish_before: int = DAY  # >= the JWKS max-age that relying parties are given, plus `stale_after`
    lifetime: int = 90 * DAY  # of an active key
    longest_token: int = 3_600  # the longest `exp - iat` that a signing key signs
    longest_sealed: int = 31 * DAY  # the longest life of what an `enc` key seals or authenticates: refresh tokens
    skew: int = 60  # between the clocks of servers and relying parties
    refresh_every: int = 30
    stale_after: int = 600  # a process may work with keys as old as this

    def __post_init__(self) -> None:
        if unknown := set(self.signing) - ALGORITHMS.keys():
            raise ValueError(f"unknown signing algorithm {sorted(unknown)}; known: {', '.join(ALGORITHMS)}")

    def kept(self) -> tuple[tuple[Use, str], ...]:
        """Every (use, alg) that has keys."""
        return (("enc", "A256GCM"), *(("sig", alg) for alg in dict.fromkeys(self.signing)))

    def kept_after_retirement(self, use: Use) -> int:
        """Seconds until nothing made with a retired key is alive.

        `stale_after` is part of it: a process that has not heard of the retirement goes on signing.
        """
        return (self.longest_token if use == "sig" else self.longest_sealed) + self.stale_after + self.skew


@dataclass(frozen=True)
class Change:
    """One step of a plan; its `kid` is empty for a key that is yet to be made."""

    action: Literal["create", "activate", "retire", "drop"]
    use: Use
    alg: str
    kid: str = ""
    state: State | None = None  # of a created key
    drop_after: float | None = None  # of a retired key


def plan(keys: Sequence[Key], now: float, policy: Policy) -> list[Change]:
    """The changes that are due at `now`, in an order that never has two active keys of one kind."""
    kinds = set(policy.kept())
    changes = [_change("drop", key) for key in keys if key.drop_after is not None and key.drop_after <= now]
    changes += [
        _give_up(key, now, policy) for key in keys if (key.use, key.alg) not in kinds and key.state != "retired"
    ]
    for use, alg in policy.kept():
        kind = [key for key in keys if (key.use, key.alg) == (use, alg)]
        changes += _plan_kind(use, alg, kind, now, policy, first_start=not keys)
    return changes


def rotate(keys: Sequence[Key], now: float, policy: Policy) -> list[Change]:
    """The plan if every active key had reached its lifetime now; a `next` that is too young still waits."""
    return plan(keys, now, replace(policy, lifetime=0))


def revoke(keys: Sequence[Key], kid: str) -> list[Change]:
    """Drop a compromised key at once, and put another in its place without the waits.

    The trade: what the key signed fails from now on, and where no `next` stood ready, relying parties refuse new tokens
    until they fetch the JWKS again. A compromise is worth both.

    Raises:
        UnknownKey: no key has this `kid`.
    """
    revoked = next((key for key in keys if key.kid == kid), None)
    if revoked is None:
        raise UnknownKey("no key has this kid")
    changes = [_change("drop", revoked)]
    if revoked.state == "active":
        kind = [key for key in keys if (key.use, key.alg) == (revoked.use, revoked.alg)]
        successor = _in_state(kind, "next")
        changes.append(_change("activate", successor) if successor else _create(revoked.use, revoked.alg, "active"))
    return changes


def _plan_kind(
    use: Use, alg: str, kind: Collection[Key], now: float, policy: Policy, *, first_start: bool
) -> list[Change]:
    if first_start:
        # Nobody can hold an older JWKS, so the first active key needs no wait.
        return [_create(use, alg, "active"), _create(use, alg, "next")]
    active, successor = _in_state(kind, "active"), _in_state(kind, "next")
    if successor is None:
        return [_create(use, alg, "next")]
    if successor.created_at + policy.publish_before > now:
        return []
    if active is None:
        return [_change("activate", successor), _create(use, alg, "next")]
    if _activated_at(active) + policy.lifetime > now:
        return []
    return [_retire(active, now, policy), _change("activate", successor), _create(use, alg, "next")]


def _give_up(key: Key, now: float, policy: Policy) -> Change:
    """End a key whose algorithm is no longer kept; a `next` made nothing that anybody would have to verify."""
    return _change("drop", key) if key.state == "next" else _retire(key, now, policy)


def _in_state(keys: Collection[Key], state: State) -> Key | None:
    return next((key for key in keys if key.state == state), None)


def _activated_at(key: Key) -> float:
    return key.created_at if key.activated_at is None else key.activated_at


def _change(action: Literal["activate", "drop"], key: Key) -> Change:
    return Change(action, key.use, key.alg, key.kid)


def _retire(key: Key, now: float, policy: Policy) -> Change:
    return Change("retire", key.use, key.alg, key.kid, drop_after=now + policy.kept_after_retirement(key.use))


def _create(use: Use, alg: str, state: State) -> Change:
    return Change("create", use, alg, state=state)
