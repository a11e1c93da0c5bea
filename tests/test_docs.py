"""The documentation says what is so, as far as a test can tell."""

import json
import re
import tomllib
from pathlib import Path

from pydantic import BaseModel

from idp.settings import Settings

ROOT = Path(__file__).parents[1]
_ROW = re.compile(r"^\| `IDP_([A-Z_]+)` \|(?: `(.*?)`)? \| \S", re.MULTILINE)


def documented():
    return dict(_ROW.findall((ROOT / "docs" / "operate.md").read_text()))


def settings(model=Settings, prefix=""):
    """Each setting as its variable says it, with its default as the table writes it."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name.upper()}__")
        else:
            absent = field.is_required() or field.default is None
            yield f"{prefix}{name.upper()}", "" if absent else json.dumps(field.default, default=str)


def test_every_setting_is_in_the_table_with_its_default():
    """And none that there is not."""
    assert dict(settings()) == documented()


def test_the_layers_are_those_that_the_linter_holds():
    """docs/architecture.md draws them, pyproject.toml demands them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [demanded] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    page = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    lines = [line for line in page.splitlines() if line.startswith("idp.") and "idp.oauth.extensions" not in line]
    drawn = [set(re.findall(r"idp\.([a-z]+)", line.partition("   ")[0])) for line in lines]

    assert [set(layer.split(" | ")) for layer in demanded] == drawn
