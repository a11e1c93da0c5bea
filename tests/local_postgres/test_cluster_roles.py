"""The owner's role changes the schema, the application's role uses what it is granted, and neither is a superuser."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from local_postgres import running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("roles")) as cluster:
        yield cluster


@pytest.fixture
def shop(cluster):
    yield cluster.database("shop")
    cluster.drop("shop")


def test_the_application_creates_nothing(shop, sql):
    with sql(shop.application) as execute:
        for statement in ("CREATE TABLE t (id int)", "CREATE TEMPORARY TABLE t (id int)", "CREATE SCHEMA s"):
            with pytest.raises(InsufficientPrivilege):
                execute(statement)


def test_the_application_reads_what_it_was_granted(shop, sql):
    with sql(shop.owner) as execute:
        execute("CREATE TABLE open AS SELECT 1 AS id")
        execute("CREATE TABLE closed AS SELECT 1 AS id")
        execute("GRANT SELECT ON open TO shop_app")

    with sql(shop.application) as execute:
        assert (1,) == execute("SELECT id FROM open").fetchone()
        with pytest.raises(InsufficientPrivilege):
            execute("SELECT id FROM closed")
        with pytest.raises(InsufficientPrivilege):
            execute("DROP TABLE open")


def test_no_role_has_powers_beyond_its_database(shop, sql):
    with sql(shop.owner) as execute:
        powers = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
        powerful = f"SELECT rolname FROM pg_roles WHERE rolcanlogin AND ({powers})"
        assert [("local_postgres",)] == execute(powerful).fetchall()


@pytest.mark.parametrize("database", ["other", "postgres", "template1"])
def test_no_role_enters_another_database(cluster, shop, database):
    cluster.database("other")
    for url in (shop.owner, shop.application):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(url.replace("@/shop", f"@/{database}")).close()


def test_a_copy_has_the_template_s_content_and_roles(cluster, shop, sql):
    with sql(shop.owner) as execute:
        execute("CREATE TABLE goods AS SELECT 'soap' AS name")
        execute("GRANT SELECT ON goods TO shop_app")

    copy = cluster.database("copy", template="shop", role="shop")

    with sql(copy.application) as execute:
        assert ("soap",) == execute("SELECT name FROM goods").fetchone()
        with pytest.raises(InsufficientPrivilege):
            execute("CREATE TABLE t (id int)")
    with sql(copy.owner) as execute:
        execute("DROP TABLE goods")


def test_asking_again_changes_nothing(cluster, shop, sql):
    with sql(shop.owner) as execute:
        execute("CREATE TABLE goods (name text)")

    assert shop == cluster.database("shop")
    with sql(shop.owner) as execute:
        assert execute("SELECT to_regclass('goods') IS NOT NULL").fetchone()[0]


def test_a_dropped_database_is_gone_with_its_sessions(cluster):
    url = cluster.database("gone").application
    with psycopg.connect(url) as connection:
        cluster.drop("gone")
        cluster.drop("gone")

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


@pytest.mark.parametrize("name", ['Quote"d', "per%cent", "a b&c?d", "ümläut", "{brace}"])
def test_any_name_will_do(cluster, name, sql):
    with sql(cluster.database(name).application) as execute:
        assert (name,) == execute("SELECT current_database()").fetchone()


def test_text_is_unicode_and_time_is_utc(shop, sql):
    with sql(shop.application) as execute:
        assert ("UTF8",) == execute("SHOW server_encoding").fetchone()
        assert ("ä",) == execute("SELECT lower('Ä')").fetchone()
        assert ("UTC",) == execute("SHOW timezone").fetchone()


def test_what_people_typed_stays_out_of_the_log(shop, cluster, tmp_path_factory, sql):
    with sql(shop.owner) as execute:
        execute("CREATE TABLE person (email text UNIQUE)")
        execute("INSERT INTO person VALUES ('ada@example.com')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            execute("INSERT INTO person VALUES ('ada@example.com')")

    log = next(tmp_path_factory.getbasetemp().glob("roles*/postgres/log")).read_text()
    assert "person_email_key" in log
    assert "ada@example.com" not in log
