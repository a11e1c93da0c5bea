"""A real PostgreSQL for one machine: found, initialised, started, shared between processes, and stopped by the last.

    with running(Path(".idp")) as cluster:
        urls = cluster.database("idp")      # urls.owner for migrations, urls.application for the server

Everything lies in `DATA_DIR/postgres`, which belongs to whoever created it and is closed to everybody else:

    local_postgres    marks the directory as ours; one without it is never touched
    turn.lock         flock: held while somebody starts or stops the server
    users.lock        flock, shared: held by every process that uses the server
    server.lock       flock, inherited by the server's processes: free only when the last of them has died
    data/             the cluster; initialised beside this name and renamed, so it is whole or absent
    socket/           the only way in; under /tmp when the path would exceed what a socket address can hold
    log               what the server says

PostgreSQL refuses to run as root. Started by root, the server runs as `postgres` or `nobody` and gets its directories
as open descriptors, so it reaches them below `/root` too; `data/` and `socket/` belong to it.
"""

from local_postgres.cluster import Cluster, Database
from local_postgres.launcher import running
from local_postgres.unavailable import Unavailable

__all__ = ["Cluster", "Database", "Unavailable", "running"]
