"""What a role may do in its company, and what a company demands of a sign-in.

Roles are names; only `admin` means something to the provider itself. What `viewer`, `member` and `data_owner` may do
with data is decided by resource servers.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from idp.accounts.acr import ELSEWHERE, ONE_FACTOR

_ACTS: Mapping[str, frozenset[str]] = {
    "admin": frozenset({"members.read", "members.change", "company.change", "clients.change"}),
}


def may(roles: Collection[str], act: str) -> bool:
    """Whether one of the roles allows the act, such as `members.read`, in the company where the roles hold."""
    return any(act in _ACTS.get(role, frozenset()) for role in roles)


def walled(policy: Mapping[str, Any]) -> bool:
    """Whether tokens of this company name no other company, and no other company's tokens name it."""
    return policy.get("walled") is True


def second_factor(policy: Mapping[str, Any]) -> bool:
    """Whether its members must have signed in with two factors."""
    return policy.get("second_factor") is True


def lacks_factor(policy: Mapping[str, Any], acr: str) -> bool:
    """Whether a sign-in of this class is not enough for the company."""
    return second_factor(policy) and acr in (ELSEWHERE, ONE_FACTOR)


def too_old(policy: Mapping[str, Any], auth_time: datetime, now: datetime) -> bool:
    """Whether the company asks for a newer sign-in than one at `auth_time`."""
    longest = max_session(policy)
    return longest is not None and auth_time + timedelta(seconds=longest) < now


def max_session(policy: Mapping[str, Any]) -> int | None:
    """The seconds after a sign-in for which it counts in this company; None: as long as the session lasts."""
    found = policy.get("max_session")
    return found if isinstance(found, int) else None
