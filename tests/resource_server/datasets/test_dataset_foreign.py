"""Another company's dataset is no different from none, on every route and method; beneath is row-level security."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from dataset_world import GAS, HYDRO, WIND, Person, World
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from local_postgres import Database
from resource_server.datasets.models import Chunk, Dataset, Event, Share

BODIES = {
    "PUT /datasets/<dataset_id>": [{"name": "x"}, {"owner": "sub-tom"}, {"mode": "restricted"}, {"bad": 1}, {}],
    "PUT /datasets/<dataset_id>/shares/<sub>": [{"access": "read"}, {"access": "bad"}],
}


def calls(app: Flask) -> Iterator[tuple[str, str, object]]:
    """Every route about one dataset with every method, and bodies good and bad."""
    for rule in app.url_map.iter_rules():
        if "dataset_id" in rule.arguments and not rule.rule.startswith("/portal"):
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                for body in BODIES.get(f"{method} {rule.rule}", [None]):
                    yield method, rule.rule.replace("<sub>", "sub-petra"), body


def test_foreign_equals_nonexistent(world: World) -> None:
    """Status, body and headers: for a member, an admin, tokens without scopes, without a company, without roles."""
    foreign = world.person("ines").create()
    world.person("ines").upload(foreign, b"x")
    world.person("ines").share(foreign, "mette")
    callers = [
        world.person("petra", GAS),
        world.person("tom", GAS),
        world.person("tom", GAS, scope="openid"),
        world.person("tom", None),
        world.everywhere("olav"),
        world.machine("gas-robot", GAS),
        world.person("ines", roles=[]),
    ]
    found = list(calls(world.app))
    assert 9 < len(found)
    for method, path, body in found:
        for caller in callers:
            answers = [ask(caller, method, path, body, identifier) for identifier in (foreign, str(uuid4()))]
            assert 404 == answers[0][0], (method, path)
            assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "spell",
    [str.upper, lambda i: i.replace("-", ""), lambda i: f"{{{i}}}", lambda i: f"urn:uuid:{i}", lambda i: i + "%00",
     lambda i: i + "%20", lambda i: f"%0A{i}", lambda i: "x", lambda i: i[:-1], lambda i: i + "/", lambda i: i + ";a"],
)  # fmt: skip
def test_an_id_has_one_spelling(world: World, spell) -> None:
    ines = world.person("ines")
    # A digit may be the same in both cases, all of 32 are not.
    identifier = ines.create()

    assert 404 == ines.get(f"/datasets/{spell(identifier)}").status_code


def ask(caller: Person, method: str, path: str, body: object, identifier: str) -> tuple[int, bytes, list[str]]:
    arguments = {} if body is None else {"json": body}
    answer = caller.request(method, path.replace("<dataset_id>", identifier), **arguments)
    return answer.status_code, answer.data, sorted(f"{name}: {value}" for name, value in answer.headers)


def test_a_query_without_a_predicate_returns_nothing_of_another_company(world: World) -> None:
    """Row-level security on dataset, share, content and event, for the role that the service uses."""
    ines = world.person("ines")
    identifier = ines.create()
    ines.upload(identifier, b"x")
    ines.share(identifier, "mette")
    database = world.service.database
    for companies, expected in {(): 0, (HYDRO, GAS): 0, (f"{HYDRO},{WIND}",): 0, (HYDRO, WIND): 1}.items():
        with database.transaction(companies) as session:
            for model in (Dataset, Share, Chunk):
                assert expected == session.scalar(select(func.count()).select_from(model))
            assert expected == (session.scalar(select(func.count()).select_from(Event)) or 0) // 2
    with database.engine.connect() as outside:
        assert 0 == outside.scalar(text("SELECT count(*) FROM datasets.dataset"))


def test_a_row_cannot_be_written_into_another_company(world: World) -> None:
    identifier = world.person("ines").create()
    move = text("UPDATE datasets.dataset SET company_id = :other")
    with pytest.raises(ProgrammingError, match="row-level security"), world.service.database.transaction([WIND]) as own:
        own.execute(move, {"other": HYDRO})
    with world.service.database.transaction([HYDRO]) as other:
        assert 0 == other.execute(move, {"other": HYDRO}).rowcount  # type: ignore[attr-defined]
    assert 200 == world.person("ines").get(f"/datasets/{identifier}").status_code


def test_the_companies_of_one_transaction_are_gone_in_the_next(world: World) -> None:
    """On the same connection: the setting is the transaction's own."""
    world.person("ines").create()
    with world.service.database.engine.connect() as connection:
        with connection.begin():
            connection.execute(text("SELECT set_config('app.companies', :one, true)"), {"one": f"{{{WIND}}}"})
            assert 1 == connection.scalar(text("SELECT count(*) FROM datasets.dataset"))
        with connection.begin():
            assert 0 == connection.scalar(text("SELECT count(*) FROM datasets.dataset"))


def test_the_application_role_owns_nothing(dataset_database: Database) -> None:
    """Nor may it change what happened."""
    with psycopg.connect(dataset_database.application) as application:
        owned = application.execute(
            "SELECT relname FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner WHERE rolname = current_user"
        ).fetchall()
        assert [] == owned
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("DELETE FROM datasets.event")
