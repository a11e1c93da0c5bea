"""`idp jobs`: the job process."""

import signal
import threading

import click

from idp import logs
from idp.cli import database
from idp.jobs import runner


@click.command()
def jobs() -> None:
    """Do what happens by itself, until it is ended: sweep, rotate keys, deliver messages. Run one process or many."""
    logs.configure()
    with database.application() as app:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        runner.run(app, stop)
