"""That sessions ended, told within the transaction in which they end.

The session does not know the protocol that ends with it, so `create_app()` gives the handlers of the extensions to the
application. A handler that fails fails the act: what it writes is as sure as the act itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Flask, current_app


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that is over, for whatever reason; its row is still there."""

    id: UUID  # the claim `sid`
    user_id: UUID


# Of many at once, since sessions also end by the thousand: a night's that expired, a person's that was disabled.
Handler = Callable[[Sequence[EndedSession]], None]

_KEY = "idp.events"


def listen(app: Flask, handlers: Sequence[Handler]) -> None:
    """Tell these handlers, in this order."""
    app.extensions[_KEY] = handlers


def sessions_ended(ended: Sequence[EndedSession]) -> None:
    """Tell whoever listens, in the caller's transaction."""
    for handler in current_app.extensions.get(_KEY, ()) if ended else ():
        handler(ended)
