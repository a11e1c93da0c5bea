"""A browser in which somebody signed in before: their owner is not slowed down by strangers' guesses.

The browser keeps a sealed list of at most five people and a random id, under which its own failures are counted.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from idp.context import keys, now

LIFETIME = timedelta(days=365)
_PURPOSE = "device"
_PEOPLE = 5


@dataclass(frozen=True)
class Device:
    """A browser, and who signed in there, the last one last."""

    id: str
    users: tuple[str, ...]

    def knows(self, user_id: UUID) -> bool:
        """Whether this person signed in here before."""
        return user_id.hex in self.users


def read(sealed: str | None) -> Device | None:
    """The device that a cookie names, or None for anything that we did not seal."""
    found = keys().open(_PURPOSE, sealed) if sealed else None
    return Device(found["id"], tuple(found["users"])) if found else None


def remember(sealed: str | None, user_id: UUID) -> str:
    """The cookie of the same device, in which this person is now known too."""
    device = read(sealed) or Device(secrets.token_urlsafe(16), ())
    others = [user for user in device.users if user != user_id.hex]
    users = [*others, user_id.hex][-_PEOPLE:]
    return keys().seal(_PURPOSE, {"id": device.id, "users": users}, expires_at=int((now() + LIFETIME).timestamp()))
