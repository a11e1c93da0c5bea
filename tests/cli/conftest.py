import os
import subprocess
import sys

import pytest

KEK = bytes(range(32)).hex()


@pytest.fixture
def environment(idp_database, tmp_path):
    """The variables of an instance on this worker's database; nothing else of the caller's."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "IDP_PUBLIC_URL": "http://localhost:8000",
        "IDP_DATABASE_URL": idp_database.application,
        "IDP_MIGRATIONS_DATABASE_URL": idp_database.owner,
        "IDP_KEYS__KEK": KEK,
        "IDP_PASSWORDS__LN": "14",
        "IDP_PASSWORDS__P": "1",
    }


@pytest.fixture
def idp(environment, tmp_path):
    """Run the command to its end; a variable that is None is not set."""

    def run(*arguments, text=None, **variables):
        env = {name: value for name, value in {**environment, **variables}.items() if value is not None}
        command = [sys.executable, "-c", "from idp.cli import main; main()", *arguments]
        return subprocess.run(
            command, env=env, input=text, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )

    return run
