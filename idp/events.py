"""What happened that others want to know, told within the transaction in which it happened.

The session does not know the protocol that ends with it, so `create_app()` gives the handlers of the extensions to the
application. A handler that fails fails the act: what it writes is as sure as the act itself.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Flask, current_app


class Event(enum.Enum):
    """What can be told."""

    SESSION_ENDED = "session.ended"


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that is over, for whatever reason; its row is still there."""

    id: UUID  # the claim `sid`
    user_id: UUID


# Of many at once, since sessions also end by the thousand: a night's that expired, a person's that was disabled.
Handler = Callable[[Sequence[EndedSession]], None]

_KEY = "idp.events"


def listen(app: Flask, handlers: Mapping[Event, Sequence[Handler]]) -> None:
    """Tell these handlers, in this order."""
    app.extensions[_KEY] = handlers


def tell(event: Event, about: Sequence[EndedSession]) -> None:
    """Tell whoever listens, in the caller's transaction."""
    for handler in current_app.extensions.get(_KEY, {}).get(event, ()) if about else ():
        handler(about)
