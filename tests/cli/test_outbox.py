"""What did not arrive at other servers is seen by whoever runs this one."""

import json

import psycopg
import pytest

INSERT = """
    INSERT INTO outbox (id, kind, payload, created_at, due_at, attempts, last_error, failed_at)
    VALUES (gen_random_uuid(), %s, '{"client_id": "shop"}', now() - %s * interval '1 minute', now(), %s, %s,
            CASE WHEN %s THEN now() END)
"""


@pytest.fixture
def put(app, idp_database):
    """A message of some minutes ago; `app` empties the table afterwards."""

    def insert(kind, minutes, *, attempts=0, error=None, failed=False):
        with psycopg.connect(idp_database.application, autocommit=True) as connection:
            connection.execute(INSERT, [kind, minutes, attempts, error, failed])

    return insert


def test_it_is_listed_with_the_reason(idp, put):
    put("backchannel_logout", 1, attempts=2, error="Unreachable: the answer was 500")
    put("backchannel_logout", 90, attempts=10, error="Unreachable: no connection", failed=True)

    oldest, newest = json.loads(idp("outbox", "list", "--json").stdout)
    lines = idp("outbox", "list").stdout.splitlines()

    assert ("failed", None, 10, "Unreachable: no connection") == tuple(
        oldest[name] for name in ("state", "next_try_at", "attempts", "last_error")
    )
    assert ("waiting", "shop", 2) == (newest["state"], newest["client_id"], newest["attempts"])
    assert newest["next_try_at"]
    assert ["failed", "waiting"] == [line.split("  ")[1] for line in lines]
    assert lines[1].endswith("backchannel_logout  shop  2 tries  Unreachable: the answer was 500")


@pytest.mark.parametrize(("minutes", "fine"), [(5, True), (15, False)])
def test_the_doctor_warns_of_what_is_late(idp, put, minutes, fine):
    put("backchannel_logout", minutes)
    found = {each["check"]: each for each in json.loads(idp("doctor", "--json").stdout)}

    assert fine == found["outbox"]["ok"]
    assert fine or "idp outbox list" in found["outbox"]["advice"]
