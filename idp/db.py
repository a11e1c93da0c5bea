"""The database: the ORM for what people administer, prepared statements for what machines ask all day.

One pool of psycopg connections serves both. They are in autocommit; SQLAlchemy begins its transactions explicitly.
So a hot statement is one round trip (73 µs of client CPU against 250 through SQLAlchemy and 500 through the ORM).
"""

import os
import select
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast
from uuid import UUID

import psycopg
import sqlalchemy.exc
from flask_sqlalchemy import SQLAlchemy
from psycopg.abc import Params
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.pool.base import _ConnectionRecord

Cursor = psycopg.Cursor[tuple[Any, ...]]

# A statement, a lock and an idle transaction all end long before a person's patience does.
_SESSION = "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"


# The database is away, or did not answer in time: nothing was decided.
AWAY = (
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


class Model(DeclarativeBase):
    """The base of every table, with names for constraints that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, and a short way to the driver."""

    def hot(self) -> AbstractContextManager["Statements"]:
        """Statements on a connection in autocommit: each is a transaction of its own.

        A write and the reads that its answer needs stand in one statement (a CTE), else in `transaction()`.
        What a statement found is read before the block ends.
        """
        return cast("Pool", self.engine.pool).lent()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block did through `session`, or nothing of it."""
        try:
            yield
            self.session.commit()
        except BaseException:
            self.session.rollback()
            raise


class Statements:
    """The statements of one connection, each with a cursor that is kept.

    psycopg finds out for every new cursor how to convert its parameters and columns: 30 of a statement's 85 µs.
    The statements are constants of the code, so there are few.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._cursors: dict[str, Cursor] = {}

    def execute(self, statement: str, values: Params | None = None) -> Cursor:
        """Execute it; what it found stays in the cursor until the same statement is executed again."""
        cursor = self._cursors.get(statement)
        if cursor is None:
            cursor = self._cursors[statement] = self.connection.cursor()
        return cursor.execute(statement, values)


class Pool(QueuePool):
    """SQLAlchemy's pool, and a way to its connections without proxies, events and a ROLLBACK of what never began."""

    @contextmanager
    def lent(self) -> Iterator[Statements]:
        """The statements of a live connection in autocommit, for the time of the block."""
        entry = cast("_ConnectionRecord", self._do_get())
        try:
            connection = cast("psycopg.Connection", entry.get_connection())
            if _is_dead(connection):
                entry.invalidate()
                connection = cast("psycopg.Connection", entry.get_connection())
            statements = entry.info.get("statements")  # the pool clears `info` when it replaces the connection
            if statements is None:
                statements = entry.info["statements"] = Statements(connection)
            try:
                yield statements
            finally:
                if connection.pgconn.transaction_status:  # interrupted within a statement: of no use to anybody else
                    entry.invalidate()
        finally:
            self._do_return_conn(entry)


db = Database()


def engine_options(pool_size: int) -> dict[str, Any]:
    """Options for `create_engine`: timeouts, autocommit, TCP keepalive; `pool_size` connections a process."""
    return {
        "poolclass": Pool,
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": 3,
        "pool_use_lifo": True,  # few connections stay warm, in PostgreSQL's processes too
        "connect_args": {
            "autocommit": True,
            "connect_timeout": 3,
            "prepare_threshold": 2,
            "options": _SESSION,
            "application_name": "idp",
            "keepalives_idle": 30,
        },
    }


def sqlalchemy_url(url: str) -> str:
    """The driver is ours to choose: settings say `postgresql://`, SQLAlchemy wants to know which one."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def prepare(engine: Engine) -> None:
    """Make SQLAlchemy begin its own transactions, and drop a connection that died while it lay in the pool."""
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkout", _refuse_dead)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _refuse_dead(connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    if _is_dead(cast("psycopg.Connection", connection)):
        raise DisconnectionError


def _is_dead(connection: psycopg.Connection) -> bool:
    # An idle connection has nothing to read: if it has, the server said goodbye. A poll costs 2 µs, `SELECT 1` 100.
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562 §5.7), so that inserts stay local in the index; in the library from Python 3.14."""
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(3 << 62) | 2 << 62)
