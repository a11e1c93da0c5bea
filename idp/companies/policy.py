"""What a role may do in its company, and what a company demands of a sign-in.

Roles are names; only `admin` means something to the provider itself. What `viewer`, `member` and `data_owner` may do
with data is decided by resource servers.
"""

from collections.abc import Collection, Mapping
from typing import Any

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


def max_session(policy: Mapping[str, Any]) -> int | None:
    """The seconds after a sign-in for which it counts in this company; None: as long as the session lasts."""
    found = policy.get("max_session")
    return found if isinstance(found, int) else None
