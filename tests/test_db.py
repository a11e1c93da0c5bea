"""Hot statements share the pool of everything else, and leave nothing behind in it."""

import psycopg
import pytest

from idp.db import db


def test_a_connection_that_was_left_within_a_transaction_is_given_to_nobody(app):
    """Whatever interrupted it: the next one begins with a clean one, and the pool keeps its size."""
    with app.app_context():
        with db.hot() as cursor:
            cursor.execute("BEGIN")
            left = cursor.connection
        with db.hot() as cursor:
            again = cursor.connection

        assert left.closed
        assert psycopg.pq.TransactionStatus.IDLE == again.info.transaction_status
        assert 0 == db.engine.pool.checkedout()


def test_a_statement_that_fails_keeps_its_connection(app):
    """An error of SQL is no reason to connect anew."""
    with app.app_context():
        with db.hot() as cursor:
            first = cursor.connection
            with pytest.raises(psycopg.errors.DivisionByZero):
                cursor.execute("SELECT 1 / 0")
        with db.hot() as cursor:
            assert first is cursor.connection


def test_a_statement_keeps_its_cursor_for_as_long_as_its_connection_lives(app):
    """How to convert its columns is found out once; a new connection begins anew."""
    with app.app_context():
        with db.hot() as one:
            first = one.execute("SELECT 'a'")
            assert ("b",) == one.execute("SELECT 'b'").fetchone()
            assert ("a",) == first.fetchone()
        with db.hot() as again:
            assert first is again.execute("SELECT 'a'")
            again.connection.close()
        with db.hot() as new:
            assert first is not new.execute("SELECT 'a'")


@pytest.mark.holds_connections
def test_a_connection_that_died_in_the_pool_is_replaced(app):
    """PostgreSQL was restarted: the first statement afterwards succeeds."""
    with app.app_context():
        with db.hot() as one, db.hot() as other:
            (victim,) = one.execute("SELECT pg_backend_pid()").fetchone()
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (victim,))
        for _ in range(2):
            with db.hot() as cursor, db.hot() as another:
                assert (1,) == cursor.execute("SELECT 1").fetchone()
                assert (1,) == another.execute("SELECT 1").fetchone()
