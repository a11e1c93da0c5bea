"""Run a cluster until Ctrl-C or SIGTERM, for developers: `python -m local_postgres DATA_DIR [DATABASE]`."""

import signal
import sys
from contextlib import suppress
from pathlib import Path

from local_postgres import Unavailable, running

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with running(Path(sys.argv[1])) as cluster, suppress(KeyboardInterrupt):
            database = cluster.database(sys.argv[2] if len(sys.argv) == 3 else "scratch")
            print(f"owner {database.owner}", f"application {database.application}", sep="\n", flush=True)  # noqa: T201
            signal.pause()
    except Unavailable as unavailable:
        sys.exit(str(unavailable))
