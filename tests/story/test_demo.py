"""The commands of the demo, and clients that talk to it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(demo, *words, **more):
    return subprocess.run(
        words, cwd=ROOT, env=demo.environment(), capture_output=True, text=True, timeout=90, check=False, **more
    )


def idp(demo, *words, **more):
    return run(demo, str(Path(sys.executable).parent / "idp"), *words, **more)


def test_applying_again_changes_nothing(demo):
    """The demo was declared at its start; declaring it again is no change."""
    again = idp(demo, "apply", "examples/demo.toml")

    assert (0, "") == (again.returncode, again.stdout), again.stderr


def test_export_is_what_is_there(demo):
    """Applying an export changes nothing."""
    exported = idp(demo, "export")
    plan = idp(demo, "apply", "--plan", "-", input=exported.stdout)

    assert (0, "") == (plan.returncode, plan.stdout), plan.stderr


CLIENTS = [["examples/client.sh"], [sys.executable, "-m", "examples.authlib_client"]]


@pytest.mark.parametrize("client", CLIENTS)
def test_client_completes_every_flow(demo, client):
    """Code + PKCE, refresh, switch, userinfo, introspection, revocation, client credentials, logout."""
    told = run(demo, *client, "ada", "north-sea-energy", "kvitberg-hydro")

    assert 0 == told.returncode, told.stdout + told.stderr
    lines = dict(line.split(maxsplit=1) for line in told.stdout.replace("signed out", "signed_out").splitlines())
    assert "active" in lines["introspection"]
    assert "alse" in lines["revoked"]
    assert "200" == lines["signed_out"]


@pytest.mark.parametrize("client", CLIENTS)
def test_client_serves_a_person_of_one_company(demo, client):
    """The switch goes to the company that there is."""
    told = run(demo, *client, "jonas", "north-sea-energy")

    assert 0 == told.returncode, told.stdout + told.stderr


def test_second_start_finds_its_data(demo):
    """What was there is there again."""
    before = idp(demo, "export").stdout
    demo.stop()
    demo.log.write_text("")
    demo.start()

    assert before == idp(demo, "export").stdout
    assert 200 == demo.answers("/.well-known/openid-configuration")
