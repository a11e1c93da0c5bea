"""Transactions that see the rows of certain companies and no others."""

import select
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

import psycopg
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# A statement, a lock and an idle transaction all end long before a person's patience does.
_OPTIONS = "-c statement_timeout=2500 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"

# `SET LOCAL` takes no parameters. An array's text form quotes what needs it, so no company id can look like two.
_SET_COMPANIES = text("SELECT set_config('app.companies', CAST(CAST(:companies AS text[]) AS text), true)")
_SET_DATASETS = text("SELECT set_config('app.datasets', CAST(CAST(:datasets AS uuid[]) AS text), true)")
_COMPANIES_OF = text("SELECT company_id FROM datasets.dataset WHERE id = ANY (:datasets)")


def driver_url(url: str) -> str:
    """The driver is ours to choose: settings say `postgresql://`, SQLAlchemy wants to know which one."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


class Database:
    """One pool of connections of the application role; lives as long as the process."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine = create_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=2,
            connect_args={
                "connect_timeout": 2,
                "options": _OPTIONS,
                "application_name": "datasets",
                "keepalives_idle": 30,
                "tcp_user_timeout": 4000,
            },
        )
        event.listen(self.engine, "checkout", _refuse_dead)

    @contextmanager
    def transaction(self, companies: Iterable[str], *, snapshot: bool = False) -> Iterator[Session]:
        """A session that sees the rows of `companies`; commits at the end of the block, or nothing of it.

        With `snapshot` all statements see the same moment: for reads that need more than one.
        """
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            if snapshot:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            session.execute(_SET_COMPANIES, {"companies": sorted(companies)})
            yield session

    def companies_of(self, datasets: Iterable[UUID]) -> frozenset[str]:
        """The companies to which datasets belong, for the one client that may ask about all companies."""
        with Session(self.engine) as session, session.begin():
            wanted = {"datasets": sorted(datasets)}
            session.execute(_SET_DATASETS, wanted)
            return frozenset(session.scalars(_COMPANIES_OF, wanted))

    def ping(self) -> None:
        """One statement with a limit of 2 s; raises what SQLAlchemy raises when the database is away."""
        with self.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 2000"))
            connection.execute(text("SELECT 1"))


def _refuse_dead(connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    # An idle connection has nothing to read: if it has, the server said goodbye. A poll costs 2 µs, `SELECT 1` 300.
    driver = cast("psycopg.Connection", connection)
    if driver.closed:
        raise DisconnectionError
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError
