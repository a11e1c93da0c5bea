"""Send what lies in the outbox: claimed in one statement, sent outside of any transaction, tried again when it failed.

Run by every job process at the same time; each claims other rows. How a kind of message is sent is the affair of the
extension that puts it there.
"""

import logging
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from flask import Flask

from idp import audit, fetch, outbox
from idp.context import keys
from idp.db import db
from idp.oauth import server
from idp.outbox import Message

log = logging.getLogger(__name__)

POLL = 0.5  # seconds between two looks at an outbox that was empty
_AWAY = 5.0  # seconds before the next look when the database did not answer


def run(app: Flask, stop: threading.Event) -> None:
    """Send until `stop` is set: at once what is due, as much of it at the same time as the fetcher allows."""
    with app.app_context():
        keys().start()
    try:
        with ThreadPoolExecutor(fetch.AT_ONCE, "deliver") as pool:
            sending: set[Future[None]] = set()
            while not stop.is_set():
                claimed = _claim(app, fetch.AT_ONCE - len(sending), stop)
                sending |= {pool.submit(send, app, message) for message in claimed}
                if not claimed:
                    stop.wait(POLL)
                _, sending = wait(sending, timeout=POLL, return_when=FIRST_COMPLETED)
    finally:
        with app.app_context():
            keys().stop()


def send(app: Flask, message: Message) -> None:
    """Send one message, and keep what became of it."""
    with app.app_context():
        try:
            server.current().outgoing[message.kind](message)
            outbox.arrived(message)
        except Exception as error:  # a receiver may answer anything, and an extension may be switched off by now
            reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
            log.warning("a message did not arrive", extra=_facts(message.kind, message.payload, reason))
            outbox.failed(message, reason)


def give_up() -> dict[str, Any]:
    """Write a security event for each message that was tried for the last time; returns how many."""
    with db.transaction():
        found = outbox.give_up()
        for kind, payload, reason in found:
            facts = _facts(kind, payload, reason)
            audit.record("message.undelivered", client_id=facts.pop("client_id"), **facts)
    return {"given_up": len(found)} if found else {}


def _claim(app: Flask, most: int, stop: threading.Event) -> list[Message]:
    try:
        with app.app_context():
            # Without keys nothing can be signed, and a try would be lost.
            return [] if keys().stale or most <= 0 else outbox.claim(most)
    except Exception as error:  # the database is away: so is the outbox
        log.warning("the outbox does not answer", extra={"error": type(error).__name__})
        stop.wait(_AWAY)
        return []


def _facts(kind: str, payload: Any, reason: str | None) -> dict[str, Any]:  # noqa: ANN401 - a JSON object
    return {"what": kind, "client_id": payload.get("client_id"), "reason": reason}
