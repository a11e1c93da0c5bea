"""One worker process of `idp serve`: it answers through `Bodies`, and ends with the process that started it."""

import multiprocessing
import os
import signal
import threading

from idp.cli.bodies import DEADLINE, Application, Bodies


def serving(app: Application, *, proxies: int = 0) -> Application:
    """The application as a worker serves it, behind so many proxies; settings have been read from the environment."""
    # Granian copies the environment into that of every request: what is secret there need not come along.
    for name in [name for name in os.environ if name.startswith("IDP_")]:
        del os.environ[name]
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    return Bodies(app, deadline=None if proxies else DEADLINE)


def _end_with(parent: "multiprocessing.process.BaseProcess") -> None:
    # A parent that was killed tells its workers nothing: they would go on, and share the port with the next server.
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
