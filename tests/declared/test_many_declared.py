"""A large declaration: the names of things are one parameter, and people are found by the index that there is."""

from sqlalchemy import select

from idp.accounts.models import User
from idp.db import db
from idp.declared import companies, users
from idp.declared.listed import one_of, one_of_folded

MOST_PARAMETERS = 65_535  # of one statement, in PostgreSQL's protocol


def test_more_keys_than_a_statement_has_parameters(app):
    keys = [f"c{n}" for n in range(MOST_PARAMETERS + 1)]
    with app.app_context():
        assert [] == list(companies.read(keys))
        assert [] == list(users.read(keys))


def test_people_are_found_by_their_index(app):
    statement = select(User.id).where(one_of_folded(User.username, ["ada"]), one_of(User.username, ["ada"]))
    with app.app_context():
        connection = db.session.connection()
        compiled = statement.compile(connection)
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).scalars())

    assert "Scan using user_account_username" in plan


def test_a_name_in_other_case_is_not_taken_for_the_same(declare, app):
    declare('[[user]]\nusername = "Ada"\n')

    with app.app_context():
        assert ["Ada"] == [each.key for each in users.read(["Ada", "ada"])]
        assert [] == list(users.read(["ada"]))
