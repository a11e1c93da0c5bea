"""The loop of the job process: each job by its own clock, and of many processes one at a time does a job.

The outbox is delivered beside it, by all of them.

Run any number of them. A job that fails is logged and tried again at its next turn; the database may be away.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask

from idp import fetch
from idp.db import db
from idp.jobs import deliver, rotate_keys, sweep

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Work that happens by itself, `every` so many seconds; `work` says what it did, nothing when it did nothing."""

    name: str
    every: float
    work: Callable[[], dict[str, Any]]


JOBS = (
    Job("sweep", 60, sweep.work),
    Job("rotate_keys", 300, rotate_keys.work),
    Job("give_up", 60, deliver.give_up),
)


def run(app: Flask, stop: threading.Event, jobs: tuple[Job, ...] = JOBS) -> None:
    """Do the jobs until `stop` is set, each at once, then by its clock; beside them, deliver without a pause."""
    delivering = threading.Thread(target=deliver.run, args=(app, stop), name="deliver", daemon=True)
    delivering.start()
    due = dict.fromkeys(jobs, 0.0)
    while not stop.is_set():
        for job in jobs:
            if due[job] <= time.monotonic():
                _attempt(app, job)
                due[job] = time.monotonic() + job.every
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))
    delivering.join(timeout=2 * fetch.TIMEOUT)


@contextmanager
def running(app: Flask) -> Iterator[None]:
    """Do the jobs in a thread for as long as the block lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(app, stop), name="jobs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def once(job: Job) -> dict[str, Any] | None:
    """Do the job, or None when another process is doing it now; needs an application context."""
    with db.hot() as cursor:  # the lock lives as long as this connection, so a killed process leaves none behind
        held = cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [job.name]).fetchone()
        if not held or not held[0]:
            return None
        try:
            return job.work()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [job.name])


def _attempt(app: Flask, job: Job) -> None:
    started = time.monotonic()
    try:
        with app.app_context():
            facts = once(job)
    except Exception as error:  # whatever it was, the other jobs go on
        log.warning("a job failed", extra={"job": job.name, "error": f"{type(error).__name__}: {_line(error)}"})
        return
    if facts:
        log.info("a job is done", extra={"job": job.name, "seconds": round(time.monotonic() - started, 3)} | facts)


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
