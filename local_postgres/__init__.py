"""A real PostgreSQL for one machine: found, initialised, started, shared between processes, and stopped by the last.

    with running(Path(".idp")) as cluster:
        urls = cluster.database("idp")      # urls.owner for migrations, urls.application for the server

Everything lies in `DATA_DIR/postgres`, which belongs to whoever created it and is closed to everybody else:

    local_postgres    marks the directory as ours; one without it is never touched
    turn.lock         flock: held while somebody starts or stops the server
    users.lock        flock, shared: held by every process that uses the server
    server.lock       flock, inherited by the server's processes: free only when the last of them has ended
    data/             the cluster; initialised beside this name and renamed, so it is whole or absent
    socket/           the only way in; below /tmp when the path would exceed what a socket's address can hold
    log               what the server says

PostgreSQL refuses to run as root. Started by root, it runs as `postgres`, or as `nobody` where there is no such
account; `data/` and `socket/` belong to that account and are passed to the server as open descriptors, so the data
directory may lie below `/root`. Binaries that the account cannot reach are copied to `/var/cache/local_postgres`.
"""

from local_postgres.cluster import Cluster, Database
from local_postgres.launcher import running
from local_postgres.unavailable import Unavailable

__all__ = ["Cluster", "Database", "Unavailable", "running"]
