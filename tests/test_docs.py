"""The documentation says what is so, as far as a test can tell."""

import dataclasses
import json
import pkgutil
import re
import tomllib
from pathlib import Path

from pydantic import BaseModel

from idp.clients import metadata
from idp.declared import clients, companies, resources, users
from idp.oauth import extensions
from idp.oauth.extension import Extension, Phase, discover
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


def test_every_key_of_a_declaration_is_in_its_reference():
    """Members that clients also register are in integrate.md; those with a default of their own are here too."""
    page = (ROOT / "docs" / "operate.md").read_text()
    rows = re.findall(r"^\|.*", page[page.index("## The declared state") : page.index("## Keys")], re.MULTILINE)
    named = {word for code in re.findall(r"`([^`]+)`", "\n".join(rows)) for word in re.findall(r"\w+", code)}
    models = (
        companies._Company, companies._Policy, users._User, users._Address, users._Membership, resources._Resource,
        clients._Client,
    )  # fmt: skip
    keys = {name for model in models for name in model.model_fields}
    members = {"scope" if name == "scopes" else name for name in metadata.Metadata.__annotations__} - {"other"}

    assert set() == (keys | members | {"client_id"}) - named


def test_the_layers_are_those_that_the_linter_holds():
    """docs/architecture.md draws them, pyproject.toml demands them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [demanded] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    page = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    lines = [line for line in page.splitlines() if line.startswith("idp.") and "idp.oauth.extensions" not in line]
    drawn = [set(re.findall(r"idp\.([a-z]+)", line.partition("   ")[0])) for line in lines]

    assert [set(layer.split(" | ")) for layer in demanded] == drawn


def table(page, head):
    """The first column of the table that has this head, up to the first line that is no row of it."""
    rows = (ROOT / page).read_text().partition(f"{head}\n")[2].splitlines()[1:]
    end = next(number for number, row in enumerate(rows) if not row.startswith("|"))
    return [name for row in rows[:end] for name in re.findall(r"`(.*?)`", row.split("|")[1])]


def test_promises_have_a_test_and_whoever_names_one_can_look_it_up():
    """docs/promises.md; and no file speaks of a document that is not here."""
    page = (ROOT / "docs" / "promises.md").read_text()
    promised = re.findall(r"^\| (P\d+) \| .+ \| (.+) \|$", page, re.MULTILINE)
    tests = {name for _promise, held in promised for name in re.findall(r"`(.+?)`", held)}
    texts = [path.read_text() for name in ("idp", "tests", "docs") for path in (ROOT / name).rglob("*.*")
             if path.suffix in {".py", ".md"} and path != Path(__file__)]  # fmt: skip
    named = {name for text in texts for names in re.findall(r"[Pp]romises? (P\d+(?:(?:, | and )P\d+)*)", text)
             for name in re.findall(r"P\d+", names)}  # fmt: skip

    assert [f"P{number}" for number in range(1, len(promised) + 1)] == [promise for promise, _held in promised]
    assert set() == named - dict(promised).keys()
    assert [] == [name for name in tests if not (ROOT / "tests" / name).is_file()]
    assert [] == [found for text in texts for found in re.findall(r"(?<!LEVEL )\b(?:SECURITY|CONTRACT)\b", text)]


def test_the_contract_of_extensions_is_told():
    """docs/architecture.md: every member that an extension may declare, and every phase of a request."""
    told = table("docs/architecture.md", "| member | what it adds |")
    phases = table("docs/architecture.md", "| phase | at the authorization endpoint | at the token endpoint |")

    assert {field.name for field in dataclasses.fields(Extension)} == set(told)
    assert len(told) == len(set(told))
    assert [phase.name for phase in Phase] == phases
    assert f"({', '.join(f'`{phase}`' for phase in phases)})" in (ROOT / "CONTRIBUTING.md").read_text()


def test_what_each_extension_opens_is_told():
    """docs/operate.md: those that are off by default, for who thinks of switching one on."""
    on = {found.name for found in discover(extensions, None)}
    every = {module.name for module in pkgutil.iter_modules(extensions.__path__)}

    assert every - on == set(table("docs/operate.md", "| extension | what it opens |"))
