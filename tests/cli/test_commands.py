"""The command line: 0 only on success, errors as one line that says what to do, JSON where a program reads it."""

import json
import re
from pathlib import Path

import psycopg
import pytest

from idp.cli.database import _kek

ACME = '[[company]]\nslug = "acme"\nname = "${NAME}"\n'
DEMO = Path(__file__).parents[2] / "examples" / "demo.toml"

pytestmark = pytest.mark.usefixtures("app")  # empties the database afterwards


def test_apply_prints_a_line_for_each_change(idp):
    done = idp("apply", "-", "--set", "NAME=Acme", text=ACME)

    assert (0, "+ company acme: name\n", "") == (done.returncode, done.stdout, done.stderr)
    again = idp("apply", "-", text=ACME, NAME="Acme")

    assert (0, "", "no change\n") == (again.returncode, again.stdout, again.stderr)
    assert (0, "~ company acme: name\n") == _result(
        idp("apply", "-", "--set", "NAME=Set first", text=ACME, NAME="Acme")
    )


def test_a_plan_tells_by_its_status_whether_something_would_change(idp):
    assert (2, "+ company acme: name\n") == _result(idp("apply", "-", "--plan", text=ACME, NAME="Acme"))
    idp("apply", "-", text=ACME, NAME="Acme")

    same = idp("apply", "-", "--plan", text=ACME, NAME="Acme")

    assert (0, "", "no change\n") == (same.returncode, same.stdout, same.stderr)
    assert 1 == idp("apply", "-", "--plan", text=ACME).returncode
    assert 1 == idp("apply", "-", "--plann", text=ACME).returncode


@pytest.mark.parametrize("how", [[], ["--plan"], ["--json"]])
def test_a_second_factor_that_nobody_has_is_warned_of(idp, how):
    """The key is accepted; what it would do today is said each time, where it disturbs no program."""
    strict = '[[company]]\nslug = "acme"\npolicy = { second_factor = true }\n'

    first, again = idp("apply", "-", *how, text=strict), idp("apply", "-", *how, text=strict)

    assert (2 if how == ["--plan"] else 0) == first.returncode
    assert 0 == idp("apply", "-", text=strict).returncode
    for each in (first, again):
        assert "idp: warning: [[company]] acme: policy.second_factor: there are no second factors yet" in each.stderr
        assert "warning" not in each.stdout


def test_a_program_reads_the_changes_as_json(idp):
    done = idp("apply", "-", "--json", text='[[client]]\nclient_id = "m"\ngrant_types = ["client_credentials"]\n')
    [change] = json.loads(done.stdout)

    assert 43 == len(change.pop("client_secret"))
    assert {
        "op": "+",
        "kind": "client",
        "key": "m",
        "fields": ["client_name", "grant_types", "response_types", "client_secret"],
    } == change


def test_the_demo_world_is_applied_once_and_its_export_changes_nothing(idp):
    names = set(re.findall(r"\$\{([A-Z_]+)\}", DEMO.read_text()))
    values = {name: f"http://localhost:8001/{name}" for name in names} | {
        name: "http://localhost:8001" for name in names if name.endswith("_URL")
    }
    assert 21 == len(idp("apply", str(DEMO), **values).stdout.splitlines())
    assert (0, "") == _result(idp("apply", str(DEMO), **values))

    exported = idp("export").stdout
    assert not any(value in exported for name, value in values.items() if not name.endswith("_URL"))
    assert (0, "") == _result(idp("apply", "--plan", "-", text=exported))


@pytest.mark.parametrize(
    ("arguments", "text", "variables", "sentence"),
    [
        (["apply", "-"], "[[company", {}, "this is not TOML"),
        (["apply", "-"], ACME, {}, "[[company]]: name: ${NAME} has no value: give --set NAME=…"),
        (["apply", "none.toml"], "", {}, "none.toml cannot be read: No such file or directory"),
        (["apply", "-", "--set", "NAME"], ACME, {}, "give --set as NAME=VALUE"),
        (["apply"], "", {}, "Missing argument 'FILE'."),
        (["fly"], "", {}, "No such command 'fly'."),
        (["export"], "", {"IDP_PUBLIC_URL": None}, "IDP_PUBLIC_URL is missing"),
        (["export"], "", {"IDP_PUBLIC_URL": "http://id.example.com"}, "IDP_PUBLIC_URL: http: is for loopback only"),
        (["export"], "", {"IDP_COLOR": "red"}, "IDP_COLOR is no setting of this version"),
        (["export"], "", {"IDP_KEYS__KEK": None}, "keys.kek is missing: set IDP_KEYS__KEK"),
        (
            ["export"],
            "",
            {"IDP_KEYS__KEK": "short"},
            "a key-encryption key is 32 random bytes",
        ),
        (["export"], "", {"IDP_DATABASE_URL": "postgresql://a:s3cret@127.0.0.1:1/x"}, "the database does not answer"),
        (["serve", "--bind", "8000"], "", {}, "give it as HOST:PORT"),
        (["serve", "--tls-cert", "/etc/hostname"], "", {}, "--tls-cert and --tls-key belong together"),
        (["serve", "--tls-cert", "/etc/hostname", "--tls-key", "/etc/hostname"], "", {}, "--tls-key is not PKCS #8"),
        (["keys", "revoke", "0000"], "", {}, "no key has this kid"),
        (["check-config"], "", {"IDP_EXTENSIONS": "+ciba"}, "IDP_EXTENSIONS: must be a list: in a variable as JSON"),
        (["check-config"], "", {"IDP_EXTENSIONS": '["+nope"]'}, "extensions: nope does not exist; there are"),
        (
            ["check-config"],
            "",
            {"IDP_MUTUAL_TLS__PROXIES": "127.0.0.1"},
            "IDP_MUTUAL_TLS…: a list or a table in a variable is JSON",
        ),
        (["check-config"], "", {"IDP_KEYS": "3"}, "IDP_KEYS: is a group: give its settings"),
        (["check-config"], "", {"IDP_UI__COLOR": "red"}, "IDP_UI__COLOR: is no setting of this version"),
        (
            ["check-config"],
            "",
            {"IDP_REGISTRATION__TRUSTED_ISSUERS": "[1]"},
            "must be a table: in a variable as a JSON",
        ),
    ],
)
def test_an_error_is_one_line_on_stderr_and_status_1(idp, arguments, text, variables, sentence):
    failed = idp(*arguments, text=text, **variables)

    assert (1, "") == (failed.returncode, failed.stdout)
    assert sentence in failed.stderr
    assert 1 == failed.stderr.count("\n")
    assert failed.stderr.startswith("idp: ")
    assert "s3cret" not in failed.stderr


def test_check_config_shows_no_secret(idp, environment):
    checked = idp("check-config")

    assert "http://localhost:8000" == json.loads(checked.stdout)["public_url"]
    assert environment["IDP_KEYS__KEK"] not in checked.stdout
    assert environment["IDP_DATABASE_URL"] not in checked.stdout


def test_a_schema_that_is_not_at_head_is_migrated_by_one_command(idp, cluster):
    fresh = cluster.database("fresh_for_cli", role="idp")
    urls = {"IDP_DATABASE_URL": fresh.application, "IDP_MIGRATIONS_DATABASE_URL": fresh.owner}
    refused = idp("export", **urls)
    assert (1, "") == _result(refused)
    assert "run `idp migrate`" in refused.stderr

    assert 0 == idp("migrate", **urls).returncode
    assert (0, "") == _result(idp("export", **urls))
    cluster.drop("fresh_for_cli")


def test_the_doctor_says_what_is_wrong(idp):
    found = json.loads(idp("doctor", "--json", IDP_PUBLIC_URL="http://localhost:1").stdout)

    assert [("database", True), ("schema", True), ("keys", True), ("outbox", True), ("discovery", False)] == [
        (each["check"], each["ok"]) for each in found
    ]
    assert "is `idp serve` running" in found[-1]["advice"]


def test_keys_are_listed_without_their_material(idp):
    listed = json.loads(idp("keys", "list", "--json").stdout)

    assert {"kid", "use", "alg", "state", "created_at", "activated_at", "drop_after"} == set(listed[0])
    assert {("ES256", "active"), ("ES256", "next"), ("RS256", "active"), ("A256GCM", "active")} <= {
        (each["alg"], each["state"]) for each in listed
    }


def test_a_compromised_key_is_replaced_at_once(idp, cluster):
    fresh = cluster.database("keys_for_cli", role="idp")
    urls = {"IDP_DATABASE_URL": fresh.application, "IDP_MIGRATIONS_DATABASE_URL": fresh.owner}
    idp("migrate", **urls)
    made = json.loads(idp("keys", "rotate", "--json", **urls).stdout)
    assert ["create"] * 10 == [each["action"] for each in made]  # an active and a next one of five kinds
    assert [] == json.loads(idp("keys", "rotate", "--json", **urls).stdout)

    kid = next(each["kid"] for each in made if each["alg"] == "ES256")
    changes = json.loads(idp("keys", "revoke", kid, "--json", **urls).stdout)
    assert {"drop", "activate", "create"} == {each["action"] for each in changes}
    assert kid not in idp("keys", "list", **urls).stdout
    cluster.drop("keys_for_cli")


def test_two_declarations_do_not_run_at_once(idp, idp_database):
    with psycopg.connect(idp_database.application, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('idp apply', 0))")
        failed = idp("apply", "-", text=ACME, NAME="Acme")

    assert (1, "") == _result(failed)
    assert "somebody else is changing the same things" in failed.stderr


def test_the_embedded_database_keeps_its_data_and_its_key(idp, tmp_path):
    variables = {"IDP_DATABASE_URL": None, "IDP_MIGRATIONS_DATABASE_URL": None, "IDP_KEYS__KEK": None, "NAME": "Acme"}
    assert 0 == idp("apply", "-", text=ACME, **variables).returncode
    key = (tmp_path / ".idp" / "kek").read_text()

    assert (0, "") == _result(idp("apply", "-", text=ACME, **variables))
    assert key == (tmp_path / ".idp" / "kek").read_text()
    assert 0o600 == (tmp_path / ".idp" / "kek").stat().st_mode & 0o777
    assert ["kek", "postgres"] == sorted(path.name for path in (tmp_path / ".idp").iterdir())


def test_the_key_of_the_embedded_database_is_made_once(tmp_path):
    assert _kek(tmp_path) == _kek(tmp_path)


def _result(done):
    return done.returncode, done.stdout
