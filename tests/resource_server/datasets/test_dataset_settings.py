"""Settings that make no service stop the start, with one line that says what to do."""

import json
import re
from pathlib import Path

import pytest

from resource_server.datasets.settings import PREFIX, Refused, Settings, load

GOOD = {
    "DATASETS_PUBLIC_URL": "https://data.example.org",
    "DATASETS_ISSUER": "https://id.example.org",
    "DATASETS_CLIENT_ID": "dataset-service",
    "DATASETS_CLIENT_SECRET": "s3cret",
}
PORTAL = {
    "DATASETS_PORTAL_CLIENT_ID": "portal",
    "DATASETS_PORTAL_CLIENT_SECRET": "s",
    "DATASETS_SESSION_KEY": "k" * 32,
}


def test_the_few_that_are_needed() -> None:
    settings = load(GOOD)

    assert ("https://data.example.org", "offline", False) == (settings.resource, settings.token_check, settings.portal)
    assert not settings.development
    assert load(GOOD | PORTAL).portal
    assert load(GOOD | {"DATASETS_PUBLIC_URL": "http://127.0.0.1:8001"}).development
    assert "urn:data" == load(GOOD | {"DATASETS_AUDIENCE": "urn:data"}).resource
    proxies = {"DATASETS_CERTIFICATE_HEADER": "Client-Cert", "DATASETS_PROXIES": "10.0.0.0/8, unix"}
    assert ("10.0.0.0/8", "unix") == load(GOOD | proxies).proxies
    assert {"analyst": "viewer"} == load(GOOD | {"DATASETS_ROLES": '{"analyst": "viewer"}'}).roles


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DATASETS_COLOUR": "blue"}, "DATASETS_COLOUR is no setting"),
        ({"DATASETS_CLIENT_ID_FILE": "x"}, "DATASETS_CLIENT_ID_FILE is no setting"),
        ({"DATASETS_CLIENT_SECRET_FILE": "/nowhere"}, "DATASETS_CLIENT_SECRET_FILE: the file cannot be read"),
        ({"DATASETS_CLIENT_ID": ""}, "DATASETS_CLIENT_ID"),
        ({"DATASETS_PUBLIC_URL": "http://data.example.org"}, "DATASETS_PUBLIC_URL: must be https"),
        ({"DATASETS_PUBLIC_URL": "https://data.example.org/"}, "DATASETS_PUBLIC_URL"),
        ({"DATASETS_PUBLIC_URL": "https://data.example.org/x"}, "DATASETS_PUBLIC_URL: must have no path"),
        ({"DATASETS_PUBLIC_URL": "https://data.example.org:99999"}, "DATASETS_PUBLIC_URL: Port out of range"),
        ({"DATASETS_DATABASE_URL": "mysql://x"}, "DATASETS_DATABASE_URL: must begin with postgresql://"),
        ({"DATASETS_PUBLIC_URL": "https://[x"}, "DATASETS_PUBLIC_URL"),
        ({"DATASETS_ISSUER": "http://localhost:8000"}, "DATASETS_ISSUER must be https"),
        ({"DATASETS_TOKEN_CHECK": "sometimes"}, "DATASETS_TOKEN_CHECK"),
        ({"DATASETS_ROLES": "x"}, "DATASETS_ROLES must be a JSON object"),
        ({"DATASETS_ROLES": '{"a": "king"}'}, "DATASETS_ROLES"),
        ({"DATASETS_MIGRATIONS_DATABASE_URL": "postgresql:///x"}, "DATASETS_MIGRATIONS_DATABASE_URL needs"),
        ({"DATASETS_PORTAL_CLIENT_ID": "portal"}, "DATASETS_PORTAL_CLIENT_SECRET"),
        ({"DATASETS_BOUND_TOKENS_ONLY": "perhaps"}, "DATASETS_BOUND_TOKENS_ONLY"),
        ({"DATASETS_CERTIFICATE_HEADER": "Client-Cert"}, "DATASETS_PROXIES, or neither"),
        ({"DATASETS_PROXIES": "127.0.0.1"}, "DATASETS_PROXIES, or neither"),
        ({"DATASETS_CERTIFICATE_HEADER": "Client-Cert", "DATASETS_PROXIES": "proxy"}, "DATASETS_PROXIES"),
        ({**PORTAL, "DATASETS_SESSION_KEY": "short"}, "DATASETS_SESSION_KEY must have"),
    ],
)
def test_nonsense_stops_the_start(change: dict[str, str], words: str) -> None:
    with pytest.raises(Refused) as refused:
        load(GOOD | change)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(Refused, match=f"^{missing} is missing: set it, as in {missing}(_FILE)?=.+"):
        load({name: value for name, value in GOOD.items() if name != missing})


def test_every_setting_is_in_the_table_with_its_default() -> None:
    """docs/operate.md lists them, and none that there is not."""
    page = (Path(__file__).parents[3] / "docs" / "operate.md").read_text()
    documented = dict(re.findall(rf"^\| `{PREFIX}([A-Z_]+)` \|(?: `(.*?)`)? \| \S", page, re.MULTILINE))
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    defaults = {name: "" if field.is_required() else field.default or "" for name, field in fields.items()}

    as_written = {"ROLES": json.dumps(Settings.model_fields["roles"].default), "BOUND_TOKENS_ONLY": "false"}
    assert defaults | as_written == documented


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """Beside the variable itself it is one too many; no message shows it."""
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    rest = {name: value for name, value in GOOD.items() if name != "DATASETS_CLIENT_SECRET"}
    settings = load(rest | {"DATASETS_CLIENT_SECRET_FILE": str(file)})

    assert "from a file" == settings.client_secret.get_secret_value()
    assert "from a file" not in repr(settings)
    with pytest.raises(Refused, match="both set"):
        load(GOOD | {"DATASETS_CLIENT_SECRET_FILE": str(file)})
